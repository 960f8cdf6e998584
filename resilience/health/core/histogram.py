"""Latencies counted in fixed buckets, so that minutes add up to hours and hours to days, and percentiles can be read from any of them.

The bounds grow by about 1.6 from 1 ms to 60 s; a percentile is off by at most the width of its bucket. As text, a histogram is the
number of its first used bucket and the counts from there on: "9:12,30,1". Empty is "".
"""

from bisect import bisect_left
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

# fmt: off
BOUNDS: tuple[float, ...] = (
    1, 2, 3, 5, 8, 12, 20, 30, 50, 80, 120, 200, 300, 500, 800, 1_200, 2_000, 3_000, 5_000, 8_000, 12_000, 20_000, 30_000, 60_000,
)
# fmt: on
"""Upper bounds in milliseconds, each within its bucket. One more bucket takes what is above the last."""
SIZE = len(BOUNDS) + 1


@dataclass(frozen=True, slots=True)
class Histogram:
    """How many latencies fell in each bucket."""

    counts: tuple[int, ...] = (0,) * SIZE

    @property
    def n(self) -> int:
        """How many there are in all."""
        return sum(self.counts)

    @classmethod
    def of(cls, latencies: Iterable[float]) -> "Histogram":
        """The histogram of these milliseconds."""
        counts = [0] * SIZE
        for ms in latencies:
            counts[index(ms)] += 1
        return cls(tuple(counts))

    @classmethod
    def read(cls, text: str) -> "Histogram":
        """The histogram that `text` holds; raises ValueError when it is none."""
        return cls(tuple(_counts(text)))

    def __str__(self) -> str:
        """The compact text."""
        used = [place for place, count in enumerate(self.counts) if count]
        if not used:
            return ""
        return f"{used[0]}:{','.join(str(count) for count in self.counts[used[0] : used[-1] + 1])}"

    def percentiles(self, *shares: float, most: float | None = None) -> list[float | None]:
        """The milliseconds below which these shares (0 to 1) lie, on a straight line within each bucket; None for an empty one.

        `most` is the largest that there was, where it is known: nothing is above it.
        """
        return [self._at(share, most) for share in shares]

    def _at(self, share: float, most: float | None) -> float | None:
        rank, seen = share * self.n, 0
        for place, count in enumerate(self.counts):
            if count and seen + count >= rank:
                low = BOUNDS[place - 1] if place else 0.0
                high = BOUNDS[place] if place < len(BOUNDS) else max(most or 0.0, low)
                found = low + (high - low) * max(rank - seen, 0.0) / count
                return found if most is None else min(found, most)
            seen += count
        return None


def index(ms: float) -> int:
    """The bucket that takes this latency."""
    return bisect_left(BOUNDS, ms)


def merged(texts: Iterable[str]) -> Histogram:
    """The histograms of these texts, added up."""
    counts = [0] * SIZE
    for text in texts:
        if text:
            start, _, rest = text.partition(":")
            for place, count in enumerate(rest.split(","), int(start)):
                counts[place] += int(count)
    return Histogram(tuple(counts))


def _counts(text: str) -> Sequence[int]:
    counts = [0] * SIZE
    if text:
        start, _, rest = text.partition(":")
        first, said = int(start), [int(count) for count in rest.split(",")]
        if first < 0 or first + len(said) > SIZE:
            raise ValueError(f"{text!r} has more buckets than there are")
        counts[first : first + len(said)] = said
    return counts
