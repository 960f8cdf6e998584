"""What follows from a merge and from what was chosen so far: a document to send, or questions to a person. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from conflicts.core import choosing
from conflicts.core.decisions import Choice, Decision, Merge
from conflicts.core.engine import merge, resolve
from conflicts.core.rules import Rules


@dataclass(frozen=True, slots=True)
class Verdict:
    """A merge, the choices that still stand in it, the decisions that ask, and the result when none does.

    `stale` counts the choices that need another look: their decision is no longer the same.
    """

    merge: Merge
    choices: Mapping[str, Choice]
    asks: tuple[Decision, ...]
    stale: int
    result: Any = field(repr=False, default=None)

    @property
    def settled(self) -> bool:
        """Whether nothing needs a person (any more), and `result` can be sent."""
        return not self.asks


def judge(
    base: Any,
    local: Any,
    remote: Any,
    rules: Rules | Mapping[str, Any] | None,
    choices: Mapping[str, Choice] | None = None,
    *,
    before: Sequence[Decision] = (),
) -> Verdict:
    """The verdict on three documents. Raises ChoiceError for a choice whose form does not fit its decision.

    `before` are the decisions that the choices were made on, when the upstream has moved since.
    """
    found = merge(base, local, remote, rules)
    given = choices or {}
    still = choosing.kept(found.decisions, given, before)
    asks = tuple(choosing.undecided(found.decisions, still))
    if asks:
        result = None
    elif still:
        result = resolve(base, local, remote, rules, still)
    else:
        result = found.draft
    stand = still.keys() - {decision.id for decision in asks}
    return Verdict(found, still, asks, len(given) - len(stand), result)
