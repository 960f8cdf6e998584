"""What two sides made of one long value, stretch by stretch, and how to put it together again."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from conflicts.core.decisions import Hunk


@dataclass(frozen=True, slots=True)
class Pieces:
    """A long value in hunks, and the stretches between them that nobody changed.

    `build` makes the value out of one outcome for each hunk. `glue` stands between two passages that do not end in white space.
    """

    hunks: tuple[Hunk, ...]
    build: Callable[[Callable[[Hunk], Any]], Any]
    glue: str = "\n"

    @property
    def asks(self) -> bool:
        """Whether a hunk needs a person."""
        return any(hunk.asks for hunk in self.hunks)

    def merged(self) -> Any:
        """The value in which every hunk stands as the sides made it, conflicts as in base."""
        return self.build(settled)

    def suggested(self) -> Any:
        """The value with what its hunks suggest; None when one of them suggests nothing."""
        if not self.asks or any(hunk.asks and hunk.suggestion is None for hunk in self.hunks):
            return None
        return self.build(lambda hunk: hunk.suggestion if hunk.asks else settled(hunk))

    def action(self, policy: str) -> str:
        """The decision's action, where the value differs from base."""
        actions = {hunk.action for hunk in self.hunks}
        if "conflict" in actions:
            return "conflict"
        return actions.pop() if len(actions) == 1 and "both" not in actions else f"auto:{policy}"


def settled(hunk: Hunk) -> Any:
    """What stands in a hunk's place when no person said so."""
    match hunk.action:
        case "local":
            return hunk.local
        case "remote" | "same":
            return hunk.remote
        case "both":
            return hunk.base[:0]
        case _:
            return hunk.base


def gives_way(hunks: Sequence[Hunk], outcomes: Sequence[Any]) -> set[int]:
    """The numbers of the hunks that were cut off a conflict as the same on both sides, and go with it when it stays as in base.

    They stay where a side has the base's passage too: there it was chosen, and what both put beside it belongs to it.
    """
    gone = set()
    for one, other in pairwise(hunks):
        for part, whole in ((one, other), (other, one)):
            touches = one.end == other.start and part.action == "same" and part.start == part.end
            at_base = whole.asks and whole.base and outcomes[whole.number] == whole.base
            if touches and at_base and whole.base not in (whole.local, whole.remote):
                gone.add(part.number)
    return gone
