"""What a person's choice makes of a decision."""

from collections.abc import Mapping
from typing import Any

from conflicts.core.decisions import Choice, ChoiceError, Decision, Hunk
from conflicts.core.limits import check_depth
from conflicts.core.pieces import Pieces, settled
from conflicts.core.place import Finding
from conflicts.core.text import joined

UNDECIDED = "This conflict is not decided yet."
UNKNOWN = "There is no such decision."
NO_FORM = "This choice does not fit the decision."
NO_HUNK = "There is no such hunk."
HUNK_UNDECIDED = "A passage of this conflict is not decided yet."
SIDES = ("local", "remote", "base")


def options_of(finding: Finding) -> tuple[str, ...]:
    """The plain choices that make sense for a finding, in the order in which they are offered."""
    if finding.options:
        return finding.options
    options = list(SIDES)
    pieces = finding.pieces
    if finding.both or (pieces and pieces.asks):
        options += ["both", "both-reversed"]
    if pieces and pieces.suggested() is not None:
        options.append("suggestion")
    return (*options, "edit")


def taken(decision: Decision, finding: Finding, choice: Choice, *, partial: bool) -> Any:
    """The value that a choice gives; raises ChoiceError when the choice does not fit."""
    if isinstance(choice, str):
        if choice not in decision.options or choice == "edit":
            raise ChoiceError(decision.id, NO_FORM)
        return _plain(decision, finding, choice)
    if not isinstance(choice, Mapping) or len(choice) != 1:
        raise ChoiceError(decision.id, NO_FORM)
    if "value" in choice and "edit" in decision.options:
        check_depth(choice["value"])
        return choice["value"]
    picks = choice.get("hunks")
    if not isinstance(picks, Mapping) or finding.pieces is None or not decision.hunks:
        raise ChoiceError(decision.id, NO_FORM)
    return _by_hunks(decision, finding.pieces, picks, partial=partial)


def _plain(decision: Decision, finding: Finding, choice: str) -> Any:
    if choice in SIDES:
        return getattr(decision, choice)
    if finding.pieces is None:
        return finding.both(choice == "both-reversed") if finding.both else decision.suggestion
    glue = finding.pieces.glue
    return finding.pieces.build(lambda hunk: _picked(decision, hunk, choice, glue) if hunk.asks else settled(hunk))


def _by_hunks(decision: Decision, pieces: Pieces, picks: Mapping[str, Any], *, partial: bool) -> Any:
    numbers = {str(hunk.number) for hunk in pieces.hunks}
    if not numbers.issuperset(picks):
        raise ChoiceError(decision.id, NO_HUNK)
    for side in SIDES:
        if all(picks.get(number) == side for number in numbers):
            return getattr(decision, side)

    def outcome(hunk: Hunk) -> Any:
        pick = picks.get(str(hunk.number))
        if pick is not None:
            return _picked(decision, hunk, pick, pieces.glue)
        if hunk.asks and not partial:
            raise ChoiceError(decision.id, HUNK_UNDECIDED)
        return settled(hunk)

    return pieces.build(outcome)


def _picked(decision: Decision, hunk: Hunk, pick: Any, glue: str) -> Any:
    match pick:
        case "local" | "remote" | "base":
            return getattr(hunk, pick)
        case "both":
            return together(hunk.local, hunk.remote, glue)
        case "both-reversed":
            return together(hunk.remote, hunk.local, glue)
        case "suggestion" if hunk.suggestion is not None:
            return hunk.suggestion
        case {"value": value, **more} if not more and isinstance(value, type(hunk.base)):
            return value
    raise ChoiceError(decision.id, NO_FORM)


def together(one: Any, other: Any, glue: str = "\n") -> Any:
    """Two texts or two lists one after the other."""
    return joined(one, other, glue) if isinstance(one, str) else [*one, *other]
