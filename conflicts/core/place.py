"""Where a walk stands, what it says there, and what the parts of the walk ask of it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol

from conflicts.core.decisions import MISSING, Choice, Decision, Kind
from conflicts.core.diff import Work
from conflicts.core.globs import Spot
from conflicts.core.pieces import Pieces
from conflicts.core.rules import Policy, Rule, Rules

_NOTHING: Mapping[str, Any] = {}
SIDED = frozenset({"local", "remote", "same"})
"""The actions that need no rule: at most one side changed the place, or both in the same way."""


class Place(NamedTuple):
    """A place in the documents.

    `path` is its JSON Pointer; `trail` is the same with the identities of list items in place of their indexes, so that an
    item keeps its decision's id when its neighbours move. `local_around` and `remote_around` are the objects it is a member of.
    """

    path: str
    trail: str
    spot: Spot[Rule]
    key: str = ""
    local_around: Mapping[str, Any] = _NOTHING
    remote_around: Mapping[str, Any] = _NOTHING

    @property
    def policy(self) -> Policy | None:
        """The policy that a rule gives to this place."""
        return self.spot.found.policy if self.spot.found else None

    @property
    def glob(self) -> str:
        """The glob of the rule that holds here, "" where none does."""
        return self.spot.found.glob if self.spot.found else ""

    def member(self, key: str, local: Mapping[str, Any], remote: Mapping[str, Any]) -> "Place":
        """The place of an object's member."""
        step = "/" + key.replace("~", "~0").replace("/", "~1")
        trail = self.trail + step.replace("[", "~2")
        return Place(self.path + step, trail, self.spot.step(key), "", local, remote)

    def item(self, index: int, identity: str, key: str) -> "Place":
        """The place of a list's item."""
        return Place(f"{self.path}/{index}", self.trail + identity, self.spot.item(), key)


@dataclass(frozen=True, slots=True)
class Finding:
    """What a walk found at a place, before it becomes a decision.

    `merged` is the value that an automatic action other than a side's gives; `both` is what the sides make one after the other
    (in reverse when asked so); `identities` stand for the three values in the id where the values themselves say too much.
    """

    kind: Kind
    action: str
    base: Any
    local: Any
    remote: Any
    reason: str
    merged: Any = MISSING
    pieces: Pieces | None = None
    both: Callable[[bool], Any] | None = None
    identities: tuple[Any, Any, Any] | None = None
    by_rule: bool = False
    options: tuple[str, ...] = ()


class Settled(NamedTuple):
    """A decision and what was chosen for it; None when it stands as it came out."""

    decision: Decision
    choice: Choice | None


class Walker(Protocol):
    """What the parts of a walk ask of it."""

    rules: Rules
    work: Work
    inside: bool
    """Whether it walks through what both sides added: such a place in another needs no decision of its own."""

    def walk(self, place: Place, base: Any, local: Any, remote: Any) -> Any:
        """The merged value of a place."""

    def settle(self, place: Place, finding: Finding) -> Any:
        """Notes a decision and gives the value that follows."""

    def decide(self, place: Place, finding: Finding) -> Settled:
        """Notes a decision and gives what was chosen."""

    def within(self, place: Place, finding: Finding, inside: Callable[[], Any]) -> Any:
        """Notes a decision over a place whose inside is merged too: a choice for it overrules the choices inside."""
