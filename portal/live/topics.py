"""What streams tell about. A topic is registered at start-up by the package that knows its figures."""

import operator
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from portal.live.core.entries import Entry

INTERVAL = 0.25
Data = Mapping[str, Any]
Snapshot = Callable[[frozenset[int]], Data]
Digest = Callable[[Sequence[Entry]], Data]


@dataclass(frozen=True, slots=True)
class Topic:
    """A topic: `snapshot` gives the present figures of some organizations, `digest` what a few new events say about it.

    Both run in a thread that has a database connection. `verbs` are prefixes; without any, every event is about it.

    rows      the names of the snapshot's lists whose rows have an "id". With any, the first message is the whole snapshot and later ones
              hold what changed, and nothing is told when nothing changed and `digest` says nothing
    alike     whether a row before and after are the same for those who read them; such a row is not told, and stays as it was
    interval  seconds between two messages; the first after a silence goes out at once
    prompt    verbs (prefixes) that do not wait for `interval`
    every     seconds after which the figures are read again though nothing happened; 0 is never
    shared    events of Breakwater itself, which belong to no organization, are told to all members
    """

    name: str
    snapshot: Snapshot
    digest: Digest
    verbs: tuple[str, ...] = ()
    rows: tuple[str, ...] = ()
    alike: Callable[[Any, Any], bool] = operator.eq
    interval: float = INTERVAL
    prompt: tuple[str, ...] = ()
    every: float = 0.0
    shared: bool = False

    def covers(self, entry: Entry, organization_ids: frozenset[int]) -> bool:
        """Whether this event is about the topic, and may be told to members of these organizations."""
        if entry.organization_id is None:
            if not self.shared:
                return False
        elif entry.organization_id not in organization_ids:
            return False
        return not self.verbs or entry.verb.startswith(self.verbs)

    def hurries(self, entries: Sequence[Entry]) -> bool:
        """Whether one of these events does not wait for the interval."""
        return bool(self.prompt) and any(entry.verb.startswith(self.prompt) for entry in entries)


_topics: dict[str, Topic] = {}


def register_snapshot(
    topic: str, function: Snapshot, *, digest: Digest = lambda entries: {}, verbs: tuple[str, ...] = ()
) -> None:
    """Offers `topic` to streams; a second call replaces the first."""
    register(Topic(name=topic, snapshot=function, digest=digest, verbs=verbs))


def register(topic: Topic) -> None:
    """Offers a topic with settings of its own to streams; the same name again replaces it."""
    _topics[topic.name] = topic


def registered(names: Sequence[str]) -> tuple[Topic, ...]:
    """Those of the named topics that exist."""
    return tuple(_topics[name] for name in names if name in _topics)
