"""What changed between two sequences, found within a fixed amount of work.

The ends that are equal are cut off; tokens that stand exactly once on each side are anchors, the longest run of them that is in
order on both sides splits the rest into gaps (Bram Cohen's patience diff), and so on in each gap; a gap without anchors is
compared by Myers' greedy algorithm ("An O(ND) Difference Algorithm and Its Variations", 1986). Where that would take too much
work, the whole gap counts as one change: coarser, never wrong.
"""

from bisect import bisect_left
from collections import Counter
from collections.abc import Hashable, Sequence
from itertools import chain
from typing import Final, NamedTuple

WORK: Final = 300_000
"""How many steps Myers' algorithm may take in one comparison."""
ALL_WORK: Final = 1_000_000
"""How many steps all comparisons of one merge may take together."""
ROUNDS: Final = 12
"""How often gaps may be split by anchors before Myers' algorithm takes over."""


class Change(NamedTuple):
    """base[start:end] became other[other_start:other_end]."""

    start: int
    end: int
    other_start: int
    other_end: int

    @property
    def deletes(self) -> bool:
        """Whether it only took away."""
        return self.other_start == self.other_end

    @property
    def grows(self) -> bool:
        """Whether more stands there than before, so that its place among neighbours counts."""
        return self.other_end - self.other_start > self.end - self.start


def interned(
    base: Sequence[Hashable], local: Sequence[Hashable], remote: Sequence[Hashable]
) -> tuple[list[int], list[int], list[int]]:
    """Three sequences with a small number for each token, the same for equal tokens."""
    tokens = dict.fromkeys(chain(base, local, remote))
    numbers = dict(zip(tokens, range(len(tokens)), strict=True))
    number = numbers.__getitem__
    return list(map(number, base)), list(map(number, local)), list(map(number, remote))


class Work:
    """What is left of the work that one merge may do."""

    def __init__(self, left: int = ALL_WORK) -> None:
        self.left = left

    def take(self, steps: int) -> bool:
        """Takes steps off, and says whether there were so many left."""
        enough = steps <= self.left
        self.left = max(0, self.left - steps)
        return enough

    def share(self) -> int:
        """The steps that each side's comparison may take, the same for both."""
        return min(WORK, self.left // 2)


class Changes(NamedTuple):
    """The places where a sequence differs from its base, in order, and how many steps it took to find them."""

    found: list[Change]
    work: int


def changes(base: list[int], other: list[int], work: int = WORK) -> Changes:
    """The changes that made `other` of `base`; between two of them at least one token is unchanged."""
    comparison = _Comparison(base, other, work)
    found = comparison.run()
    return Changes(found, work - max(0, comparison.work))


class _Comparison:
    def __init__(self, base: list[int], other: list[int], work: int) -> None:
        self.base = base
        self.other = other
        self.work = work
        self.found: list[Change] = []

    def run(self) -> list[Change]:
        gaps = [(Change(0, len(self.base), 0, len(self.other)), ROUNDS)]
        while gaps:
            gap, rounds = gaps.pop()
            gap = self._trimmed(gap)
            if gap.start == gap.end or gap.deletes:
                self._add(gap)
            else:
                gaps += [(smaller, rounds - 1) for smaller in reversed(self._split(gap, rounds))]
        return self.found

    def _add(self, change: Change) -> None:
        """Notes a change; one that touches the one before makes one change with it."""
        if change.start == change.end and change.deletes:
            return
        if self.found:
            last = self.found[-1]
            if last.end == change.start and last.other_end == change.other_start:
                change = Change(last.start, change.end, last.other_start, change.other_end)
                self.found.pop()
        self.found.append(change)

    def _trimmed(self, gap: Change) -> Change:
        base, other = self.base, self.other
        a, a_end, b, b_end = gap
        while a < a_end and b < b_end and base[a] == other[b]:
            a += 1
            b += 1
        while a < a_end and b < b_end and base[a_end - 1] == other[b_end - 1]:
            a_end -= 1
            b_end -= 1
        return Change(a, a_end, b, b_end)

    def _split(self, gap: Change, rounds: int) -> list[Change]:
        """The smaller gaps inside a gap, or none after its changes have been noted."""
        old = self.base[gap.start : gap.end]
        new = self.other[gap.other_start : gap.other_end]
        olds, news = Counter(old), Counter(new)
        if olds.keys().isdisjoint(news):
            self._add(gap)
            return []
        matches = _anchors(old, new, olds, news) if rounds else []
        if matches:
            return list(_between(gap, matches))
        matches = _in_place(old, new) or self._myers(old, new)
        for change in _between(gap, matches):
            self._add(change)
        return []

    def _myers(self, old: list[int], new: list[int]) -> list[tuple[int, int]]:
        """The pairs of equal tokens on a shortest way from old to new; none when the work runs out."""
        reached = {1: 0}
        trail: list[dict[int, int]] = []
        ends = (len(old), len(new))
        for edits in range(len(old) + len(new) + 1):
            trail.append(reached)
            self.work -= 2 * edits + 2
            if self.work < 0:
                return []
            reached, ended = self._round(old, new, edits, reached)
            if ended:
                return _backwards(trail, *ends)
        return []

    def _round(self, old: list[int], new: list[int], edits: int, before: dict[int, int]) -> tuple[dict[int, int], bool]:
        """How far each diagonal gets with one edit more, and whether one of them got to the end."""
        most, others = len(old), len(new)
        reached: dict[int, int] = {}
        for diagonal in range(-edits, edits + 1, 2):
            down = before.get(diagonal + 1, -1)
            right = before.get(diagonal - 1, -2) + 1
            x = start = max(down, right)
            y = x - diagonal
            if x < 0 or x > most or y > others:
                continue
            while x < most and y < others and old[x] == new[y]:
                x += 1
                y += 1
            reached[diagonal] = x
            self.work -= x - start
            if x == most and y == others:
                return reached, True
            if self.work < 0:
                break
        return reached, False


def _backwards(trail: list[dict[int, int]], x: int, y: int) -> list[tuple[int, int]]:
    """The matches on the way back from the end, put in order."""
    matches = []
    for before in reversed(trail):
        diagonal = x - y
        down = before.get(diagonal + 1, -1)
        right = before.get(diagonal - 1, -2) + 1
        start = max(down, right)
        while x > start:
            x -= 1
            y -= 1
            matches.append((x, y))
        x, y = (x, y - 1) if down >= right else (x - 1, y)
    return matches[::-1]


def _in_place(old: list[int], new: list[int]) -> list[tuple[int, int]]:
    """The matches at equal positions, where the gap kept its length and few of its tokens changed: the likeliest edit by far."""
    if len(old) != len(new):
        return []
    matches = [(at, at) for at, (one, other) in enumerate(zip(old, new, strict=True)) if one == other]
    return matches if len(matches) * 8 >= len(old) * 7 else []


def _anchors(old: list[int], new: list[int], olds: Counter[int], news: Counter[int]) -> list[tuple[int, int]]:
    """The tokens that stand once on each side: the longest run of them that is in order on both."""
    where = {token: at for at, token in enumerate(new) if news[token] == 1}
    pairs = [(at, where[token]) for at, token in enumerate(old) if token in where and olds[token] == 1]
    return _longest_rise(pairs)


def _longest_rise(pairs: list[tuple[int, int]]) -> list[tuple[int, int]]:
    """The longest part of the pairs whose second numbers rise (patience sorting)."""
    seconds = [second for _, second in pairs]
    if seconds == sorted(seconds):
        return pairs
    tops: list[int] = []
    piles: list[int] = []
    before: list[int] = []
    for number, second in enumerate(seconds):
        pile = bisect_left(tops, second)
        before.append(piles[pile - 1] if pile else -1)
        if pile == len(tops):
            tops.append(second)
            piles.append(number)
        else:
            tops[pile] = second
            piles[pile] = number
    rise = []
    number = piles[-1]
    while number >= 0:
        rise.append(pairs[number])
        number = before[number]
    return rise[::-1]


def _between(gap: Change, matches: list[tuple[int, int]]) -> list[Change]:
    """The stretches of a gap that the matches (counted from its start) leave, in order; all of it when there are none."""
    left = []
    a, b = 0, 0
    for x, y in [*matches, (gap.end - gap.start, gap.other_end - gap.other_start)]:
        if x > a or y > b:
            left.append(Change(gap.start + a, gap.start + x, gap.other_start + b, gap.other_start + y))
        a, b = x + 1, y + 1
    return left
