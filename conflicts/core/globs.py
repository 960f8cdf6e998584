"""Which rule holds at a place: globs over JSON Pointers, followed step by step while a document is walked.

All globs are followed at once, as a set of positions (a nondeterministic automaton whose states are made when first
reached), so that a step costs one look-up however many rules there are.
"""

from collections.abc import Sequence
from typing import Generic, TypeVar

STEP = "*"
DEEP = "**"
_OTHER = None
T = TypeVar("T")
State = frozenset[tuple[int, int]]


class BadGlob(ValueError):
    """This is no glob over JSON Pointers."""


def parse_glob(glob: str) -> tuple[str, ...]:
    """The steps of a glob ("" is the whole document); raises BadGlob with a sentence for people."""
    if glob == "":
        return ()
    if not glob.startswith("/"):
        raise BadGlob("A path starts with a slash, or is empty for the whole document.")
    return tuple(map(_parse_step, glob[1:].split("/")))


def _parse_step(step: str) -> str:
    if step in {STEP, DEEP}:
        return step
    if STEP in step:
        raise BadGlob("A star stands for a whole step: * for one, ** for any number.")
    if "~" in step.replace("~0", "").replace("~1", ""):
        raise BadGlob("In a step, ~ is written as ~0 and / as ~1.")
    return step.replace("~1", "/").replace("~0", "~")


def specificity(steps: Sequence[str]) -> tuple[int, int, int, tuple[str, ...]]:
    """How little a glob says, to sort by: fewest wildcards first, then fewest **, the longest, literal steps first."""
    wild = tuple(step if step in {STEP, DEEP} else "" for step in steps)
    deep = wild.count(DEEP)
    return deep + wild.count(STEP), deep, -len(wild), wild


class Spot(Generic[T]):
    """A place in a document as the globs see it: what holds here, and the spots one step further."""

    __slots__ = ("_globs", "_next", "_state", "found", "reachable")

    def __init__(self, globs: "Globs[T]", state: State) -> None:
        self._globs = globs
        self._state = state
        self._next: dict[str | None, Spot[T]] = {}
        self.found: T | None = globs.best(state)
        """What the most specific glob that matches here stands for."""
        self.reachable: frozenset[int] = frozenset(number for number, _ in state)
        """The numbers of the globs that match here or may match further down."""

    def step(self, key: str) -> "Spot[T]":
        """The spot of a member of the object here."""
        known = key if key in self._globs.literals else _OTHER
        spot = self._next.get(known)
        if spot is None:
            spot = self._next[known] = self._globs.spot(self._state, known)
        return spot

    def item(self) -> "Spot[T]":
        """The spot of any item of the list here: an item has no name, so only wildcards match it."""
        spot = self._next.get(_OTHER)
        if spot is None:
            spot = self._next[_OTHER] = self._globs.spot(self._state, _OTHER)
        return spot


class Globs(Generic[T]):
    """Globs in the order in which they were written, each with what it stands for."""

    def __init__(self, globs: Sequence[tuple[tuple[str, ...], T]]) -> None:
        self._steps = [steps for steps, _ in globs]
        self._values = [value for _, value in globs]
        ranked = sorted(range(len(globs)), key=lambda number: (specificity(self._steps[number]), -number))
        self._rank = {number: rank for rank, number in enumerate(ranked)}
        self._spots: dict[State, Spot[T]] = {}
        self.literals = {step for steps in self._steps for step in steps} - {STEP, DEEP}
        self.root = self._spot(self._closed({(number, 0) for number in range(len(globs))}))

    def best(self, state: State) -> T | None:
        """What the most specific of the globs stands for that are matched to their end."""
        ended = [number for number, position in state if position == len(self._steps[number])]
        return self._values[min(ended, key=self._rank.__getitem__)] if ended else None

    def spot(self, state: State, step: str | None) -> Spot[T]:
        """The spot that one step leads to; None is a step that no glob names."""
        reached = set()
        for number, position in state:
            steps = self._steps[number]
            if position == len(steps):
                continue
            if steps[position] == DEEP:
                reached.add((number, position))
            elif steps[position] in {STEP, step}:
                reached.add((number, position + 1))
        return self._spot(self._closed(reached))

    def _closed(self, reached: set[tuple[int, int]]) -> State:
        """Adds what ** reaches by standing for no step."""
        todo = list(reached)
        while todo:
            number, position = todo.pop()
            steps = self._steps[number]
            further = (number, position + 1)
            if position < len(steps) and steps[position] == DEEP and further not in reached:
                reached.add(further)
                todo.append(further)
        return frozenset(reached)

    def _spot(self, state: State) -> Spot[T]:
        found = self._spots.get(state)
        if found is None:
            found = self._spots[state] = Spot(self, state)
        return found
