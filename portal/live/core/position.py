"""How far a reader of the log has come, when ids do not become visible in their order.

PostgreSQL hands out ids when rows are written and shows them when they are committed, so that a reader of `id > last` misses
rows. A position therefore remembers each id that it passed without seeing it, and asks for these again until they show up
or are old enough to be a rollback's.
"""

from collections.abc import Iterable

FORGET_SECONDS = 30.0
MOST_GAPS = 5_000


class Position:
    """The newest id that was seen, and the ids below it that were not."""

    def __init__(self, last: int = 0) -> None:
        self.last = last
        self._gaps: dict[int, float] = {}

    @property
    def gaps(self) -> list[int]:
        """The ids to ask for again, in their order."""
        return sorted(self._gaps)

    @property
    def settled(self) -> int:
        """The id up to which nothing is missing: who resumes here misses nothing."""
        return min(self._gaps, default=self.last + 1) - 1

    def take(self, ids: Iterable[int], *, now: float) -> None:
        """Marks `ids` as seen; what lies between them becomes gaps. `now` is monotonic seconds."""
        for seen in sorted(ids):
            if seen > self.last:
                first = max(self.last + 1, seen - MOST_GAPS)
                self._gaps.update(dict.fromkeys(range(first, seen), now))
                self.last = seen
            else:
                self._gaps.pop(seen, None)
        if self._gaps:
            kept = [(gap, since) for gap, since in self._gaps.items() if now - since < FORGET_SECONDS]
            self._gaps = dict(sorted(kept)[-MOST_GAPS:])

    def skip_to(self, last: int) -> None:
        """Gives up on everything up to `last`."""
        self.last = max(self.last, last)
        self._gaps.clear()
