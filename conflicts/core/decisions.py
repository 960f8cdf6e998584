"""What a merge says: decisions, the hunks of long values, and what may be chosen."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Any, Final, Literal

Kind = Literal["value", "add-add", "delete-modify", "type", "order", "duplicate-key", "array", "text", "policy"]
Choice = str | Mapping[str, Any]
"""What a person takes for one decision, as JSON:

    "local" | "remote" | "base"         one side (a side that has nothing there takes the place away)
    "both" | "both-reversed"            local's then remote's (or remote's first), where two texts, lists or additions can stand together
    "suggestion"                        what the decision suggests
    {"value": …}                        written by hand
    {"hunks": {"0": …, "2": …}}         one of the above for each hunk, by its number
"""


class Missing(Enum):
    """What is not there, which null is not."""

    MISSING = "MISSING"

    def __repr__(self) -> str:
        return self.value

    def __bool__(self) -> bool:
        return False


MISSING: Final = Missing.MISSING


class ChoiceError(ValueError):
    """A choice that cannot be taken: for a decision that there is not, of a form that does not fit, or missing."""

    def __init__(self, decision: str, problem: str) -> None:
        super().__init__(f"{problem} ({decision})" if decision else problem)
        self.decision = decision
        self.problem = problem


@dataclass(frozen=True, slots=True)
class Hunk:
    """One stretch of a text or of a list where a side differs from the base.

    `base`, `local` and `remote` are strings for a text, lists for a list. `start` and `end` count the base's tokens (lines,
    sentences or elements) that it covers. `action` is "local", "remote", "same" (both did the same), "both" (both only took away),
    or "conflict". `suggestion` is what merging a text's words would give, where that is clean; None otherwise.
    """

    number: int
    start: int
    end: int
    base: Any
    local: Any
    remote: Any
    action: str
    suggestion: str | None = None

    @property
    def asks(self) -> bool:
        """Whether a person must say what stands here."""
        return self.action == "conflict"


@dataclass(frozen=True, slots=True)
class Decision:
    """One place of a document where a side differs from the base, and what becomes of it.

    `id` is a hash of path, kind and the three values: it stays the same as long as they do. `path` is a JSON Pointer; a list's
    item stands under its index in base (in remote when base lacks it, in local when remote lacks it too), with its identity as `key`.
    `action` is "conflict", "local", "remote", "same" (both did the same) or "auto:<policy>" ("auto:text", "auto:max", "auto:append", …).
    `base`, `local`, `remote` are the values at this place, or MISSING. `rule` is the glob of the rule that decided, "" for the defaults.
    `options` are the plain choices that can be taken. `reason` is one English sentence for people.
    """

    id: str
    path: str
    kind: Kind
    action: str
    base: Any = field(repr=False)
    local: Any = field(repr=False)
    remote: Any = field(repr=False)
    reason: str
    hunks: tuple[Hunk, ...] = field(default=(), repr=False)
    suggestion: Any = field(default=MISSING, repr=False)
    key: str = ""
    rule: str = ""
    options: tuple[str, ...] = ("local", "remote", "base", "edit")

    @property
    def asks(self) -> bool:
        """Whether it needs a person."""
        return self.action == "conflict"


@dataclass(frozen=True, slots=True)
class Merge:
    """What came of a merge: a draft in which everything undecided still stands as in base, and every decision in document order."""

    draft: Any = field(repr=False)
    decisions: tuple[Decision, ...]

    @property
    def conflicts(self) -> tuple[Decision, ...]:
        """The decisions that need a person."""
        return tuple(decision for decision in self.decisions if decision.asks)

    @property
    def clean(self) -> bool:
        """Whether nothing needs a person."""
        return not any(decision.asks for decision in self.decisions)
