"""The last calls as a picture: a bar each, as high as the call took long; failures are crossed, slow ones amber. Pure geometry."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from math import sqrt

from resilience.breakers.counted import SHOWN_CALLS, Call

LEAST = 7.0
BAR = 0.68


@dataclass(frozen=True, slots=True)
class Strip:
    """Paths in a box of 60 by 100 (the crosses: 60 by 10); the newest call stands at the right."""

    plain: str
    slow: str
    failed: str
    crosses: str
    calls: tuple[Call, ...]
    slowest: float

    @property
    def newest(self) -> datetime | None:
        """When the last call ended."""
        return self.calls[-1].at if self.calls else None

    @property
    def failures(self) -> int:
        """How many of them failed."""
        return sum(1 for call in self.calls if call.failed)

    @property
    def slow_ones(self) -> int:
        """How many of them were slow without failing."""
        return sum(1 for call in self.calls if call.slow and not call.failed)

    @property
    def rows(self) -> list[Call]:
        """For the table: the newest first."""
        return list(reversed(self.calls))


def strip(calls: Sequence[Call]) -> Strip:
    """The picture of these calls, the oldest first. Heights grow with the root of the time, so that quick calls stay visible."""
    shown = calls[-SHOWN_CALLS:]
    slowest = max((call.seconds for call in shown), default=0.0)
    first = SHOWN_CALLS - len(shown)
    bars: dict[str, list[str]] = {"plain": [], "slow": [], "failed": []}
    crosses = []
    for x, call in enumerate(shown, first):
        height = max(100 * sqrt(call.seconds / slowest) if slowest else 0.0, LEAST)
        kind = "failed" if call.failed else "slow" if call.slow else "plain"
        bars[kind].append(f"M{x + (1 - BAR) / 2:.2f} 100v{-height:.1f}h{BAR}v{height:.1f}z")
        if call.failed:
            crosses.append(f"M{x + 0.2:.1f} 2l.6 6m0 -6l-.6 6")
    paths = {kind: "".join(drawn) for kind, drawn in bars.items()}
    return Strip(**paths, crosses="".join(crosses), calls=tuple(shown), slowest=slowest)
