"""What streams tell about. A topic is registered at start-up by the package that knows its figures."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from portal.live.core.entries import Entry

Data = Mapping[str, Any]
Snapshot = Callable[[frozenset[int]], Data]
Digest = Callable[[Sequence[Entry]], Data]


@dataclass(frozen=True, slots=True)
class Topic:
    """A topic: `snapshot` gives the present figures of some organizations, `digest` what a few new events say about it.

    Both run in a thread that has a database connection. `verbs` are prefixes; without any, every event is about it.
    """

    name: str
    snapshot: Snapshot
    digest: Digest
    verbs: tuple[str, ...] = ()

    def covers(self, entry: Entry) -> bool:
        """Whether this event is about the topic."""
        return not self.verbs or entry.verb.startswith(self.verbs)


_topics: dict[str, Topic] = {}


def register_snapshot(
    topic: str, function: Snapshot, *, digest: Digest = lambda entries: {}, verbs: tuple[str, ...] = ()
) -> None:
    """Offers `topic` to streams; a second call replaces the first."""
    _topics[topic] = Topic(name=topic, snapshot=function, digest=digest, verbs=verbs)


def registered(names: Sequence[str]) -> tuple[Topic, ...]:
    """Those of the named topics that exist."""
    return tuple(_topics[name] for name in names if name in _topics)
