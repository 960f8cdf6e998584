"""Which questions stand on which page: so many, and so much text, that a page stays small. Pure."""

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from conflicts.cards import FOLDED
from conflicts.core import MISSING, Decision
from conflicts.marks import MOST as LONGEST

MOST = 40
HEAVIEST = 50_000
"""About so many bytes of questions stand on one page; the others are a button away, and keep their answers."""
FIELDS = 900
"""What a question weighs without its values."""
OBJECT = 350

Question = tuple[Decision, int | None]
"""A whole decision, or the number of one of its hunks."""


@dataclass(frozen=True, slots=True)
class Window:
    """Which of the questions stand on this page; `previous` and `following` are where the pages before and after start."""

    start: int
    end: int
    total: int
    previous: int | None
    following: int | None

    @property
    def first(self) -> int:
        """The first question's number, for people."""
        return self.start + 1

    @property
    def partial(self) -> bool:
        """Whether there are questions on other pages."""
        return self.previous is not None or self.following is not None


class Windows:
    """The questions of some decisions in pages."""

    def __init__(self, decisions: Sequence[Decision]) -> None:
        self.questions: list[Question] = []
        for one in decisions:
            hunks = [hunk.number for hunk in one.hunks if hunk.asks or not one.asks]
            self.questions += [(one, number) for number in hunks] if hunks else [(one, None)]
        self._starts = _starts(self.questions)

    def page_of(self, number: int) -> int:
        """Where the page starts that a question stands on."""
        return self._starts[bisect_right(self._starts, max(number, 0)) - 1]

    def at(self, number: int) -> Window:
        """The page that a question stands on; the last one when there are fewer."""
        place = bisect_right(self._starts, max(number, 0)) - 1
        bounds = [*self._starts, len(self.questions)]
        return Window(
            bounds[place],
            bounds[place + 1],
            len(self.questions),
            bounds[place - 1] if place else None,
            bounds[place + 1] if place + 1 < len(self._starts) else None,
        )


def _starts(questions: Sequence[Question]) -> list[int]:
    starts, weight = [0], 0
    for number, question in enumerate(questions):
        own = _weight(question)
        if number > starts[-1] and (weight + own > HEAVIEST or number - starts[-1] >= MOST):
            starts.append(number)
            weight = 0
        weight += own
    return starts


def _weight(question: Question) -> int:
    decision, number = question
    place: Any = decision if number is None else decision.hunks[number]
    folded = 2 * FOLDED if number is not None else 0
    return FIELDS + folded + sum(_size(value) for value in (place.base, place.local, place.remote))


def _size(value: Any) -> int:
    if value is MISSING:
        return 0
    if isinstance(value, str):
        return min(len(value.encode()), 2 * LONGEST)
    return OBJECT if isinstance(value, dict | list) else 10
