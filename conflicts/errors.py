"""The refusals of a resolution. Each leaves what the person chose untouched."""

from portal.kit.errors import Conflicting, Invalid, Unavailable


class AlreadyDecided(Conflicting):
    """Somebody was faster: this conflict has been decided already. Your choices are kept, nothing of yours was sent."""

    code = "already-decided"


class Moved(Conflicting):
    """This was changed upstream after you opened it. What still stands of your choices is kept; look at the others again."""

    code = "moved"


class Undecided(Invalid):
    """Something is not decided yet. Nothing was sent."""

    code = "undecided"


class NoAnswer(Unavailable):
    """The upstream does not answer now. The conflict stays as it is; ask again later."""

    code = "no-answer"
