"""When each probe is due. Pure: moments are seconds, of whatever clock the caller holds.

A probe runs at `phase + n × interval`, where its phase is a hash of its id: a thousand probes of ten seconds are spread evenly over
the ten, and a prober that takes over goes on in the same rhythm. What could not be begun in time is left out, never made up for.
"""

import heapq
from dataclasses import dataclass, field
from math import floor

OF_INTERVAL = 0.8
"""A run may take this part of its interval, so that it is over when the next one is due."""
SHORTEST = 0.3
"""No run begins sooner than this part of its interval after the one before it: a first run that is out of the rhythm joins it later."""
_GOLDEN = 0.6180339887498949


def phase(probe_id: int, interval: float) -> float:
    """The seconds by which this probe's runs lag behind whole intervals; neighbouring ids lie far apart."""
    return (probe_id * _GOLDEN % 1.0) * interval


def next_due(probe_id: int, interval: float, after: float) -> float:
    """The first moment later than `after` at which this probe is due."""
    start = phase(probe_id, interval)
    due = start + (floor((after - start) / interval) + 1) * interval
    return due if due > after else due + interval


def run_seconds(timeout: float, interval: float, bound: float | None = None) -> float:
    """How long a run may take: its timeout, but no more than 0.8 of the interval, nor than its upstream's own timeout (`bound`)."""
    return min(timeout, OF_INTERVAL * interval, timeout if bound is None else bound)


@dataclass(slots=True)
class Schedule:
    """What is due next among many probes; each operation costs the logarithm of their number."""

    _heap: list[tuple[float, int, int]] = field(default_factory=list)
    _entries: dict[int, tuple[float, int]] = field(default_factory=dict)
    _marks: int = 0

    def __len__(self) -> int:
        return len(self._entries)

    def __contains__(self, probe_id: int) -> bool:
        return probe_id in self._entries

    def put(self, probe_id: int, interval: float, now: float, *, first_in: float | None = None) -> None:
        """Has a probe run at its next moment after `now`, or first so many seconds later, and then in its rhythm.

        It replaces what was said of it before.
        """
        self._push(probe_id, interval, next_due(probe_id, interval, now) if first_in is None else now + first_in)

    def drop(self, probe_id: int) -> None:
        """Has a probe not run any more."""
        self._entries.pop(probe_id, None)

    def pop(self, now: float) -> tuple[int, int] | None:
        """A probe that is due, with how many of its moments passed unused before; None when none is due. It is due again later."""
        self._clean()
        if not self._heap or self._heap[0][0] > now:
            return None
        due, _, probe_id = heapq.heappop(self._heap)
        interval, _ = self._entries[probe_id]
        missed = max(0, floor((now - due) / interval))
        self._push(probe_id, interval, next_due(probe_id, interval, now + SHORTEST * interval))
        return probe_id, missed

    def next_at(self) -> float | None:
        """When something is due next; None when there is nothing."""
        self._clean()
        return self._heap[0][0] if self._heap else None

    def _push(self, probe_id: int, interval: float, due: float) -> None:
        self._marks += 1
        self._entries[probe_id] = (interval, self._marks)
        heapq.heappush(self._heap, (due, self._marks, probe_id))

    def _clean(self) -> None:
        """Takes what was dropped or replaced off the top."""
        while self._heap:
            _, mark, probe_id = self._heap[0]
            entry = self._entries.get(probe_id)
            if entry is not None and entry[1] == mark:
                return
            heapq.heappop(self._heap)
