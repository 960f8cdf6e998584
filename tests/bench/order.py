"""What a runner shall deliver."""

from collections.abc import Iterator
from dataclasses import dataclass

from tests.bench.items import Change, changes

ROUTES = {
    "plan": {"path": "/plans/{id}", "create": "PUT", "update": "PUT", "content_type": "application/json"},
}
"""How Breakwater is told to write to the sink."""


@dataclass(frozen=True, slots=True)
class Order:
    """How many changes to put in, over how many entities, and where they shall go."""

    address: str
    count: int
    entities: int

    def words(self) -> list[str]:
        """Return this as a command line."""
        return [self.address, f"--count={self.count}", f"--entities={self.entities}"]

    def url(self, change: Change) -> str:
        """Return where a change goes."""
        return f"{self.address}/{change.entity}"

    def batches(self, size: int = 500) -> Iterator[list[Change]]:
        """Yield the changes in lists."""
        batch: list[Change] = []
        for change in changes(self.count, entities=self.entities):
            batch.append(change)
            if len(batch) == size:
                yield batch
                batch = []
        if batch:
            yield batch
