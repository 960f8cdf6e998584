"""The errors that a person reads.

    Error
    ├── Invalid           400  the request says something that cannot be (carries its faults)
    │   └── TooLarge      413
    ├── SignedOut         401
    ├── Forbidden         403
    ├── NotFound          404
    ├── Conflicting       409  it contradicts what is stored
    ├── TooMany           429
    └── Unavailable       503  nothing was stored, try again

The class's docstring is the sentence that the user reads first; `detail` says what it was this time and what to do.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from inspect import cleandoc
from typing import Any, ClassVar


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing that is wrong: where (a JSON Pointer, RFC 6901; "" is the whole document) and why."""

    pointer: str
    detail: str


class Error(Exception):
    """Something went wrong."""

    status: ClassVar[int] = 500
    code: ClassVar[str] = "error"
    do_not_call_in_templates: ClassVar[bool] = True  # the page of all kinds lists the classes

    def __init__(self, detail: str = "", *, faults: Sequence[Fault] = (), **extra: Any) -> None:
        super().__init__(detail or self.title())
        self.detail = detail
        self.faults = tuple(faults)
        self.extra = extra

    @classmethod
    def title(cls) -> str:
        """The first paragraph of the docstring: what is wrong, in one sentence."""
        return " ".join(cleandoc(cls.__doc__ or "").split("\n\n")[0].split())


class Invalid(Error):
    """The request cannot be accepted as it stands."""

    status = 400
    code = "invalid"

    @classmethod
    def at(cls, pointer: str, detail: str) -> "Invalid":
        """An error about one place."""
        return cls(detail, faults=[Fault(pointer, detail)])


class TooLarge(Invalid):
    """The request is larger than Breakwater accepts."""

    status = 413
    code = "too-large"


class SignedOut(Error):
    """Sign in, or send a valid token, to do this."""

    status = 401
    code = "signed-out"


class Forbidden(Error):
    """Your role does not allow this."""

    status = 403
    code = "forbidden"


class NotFound(Error):
    """There is nothing here that you may see."""

    status = 404
    code = "not-found"


class Conflicting(Error):
    """This contradicts what is stored."""

    status = 409
    code = "conflicting"


class TooMany(Error):
    """Too many requests. Wait, then try again."""

    status = 429
    code = "too-many"


class Unavailable(Error):
    """Breakwater cannot take this at the moment. Nothing was stored; try again."""

    status = 503
    code = "unavailable"
