"""What health needs to know and others know: they register it at start-up. Who asks has checked what may be seen.

load       what waits for each upstream, and since when          (the queue)
impact     what an outage blocks, in words with links            (the queue, projects, features)
depths     how much waited for an upstream over time             (the queue)
calls      how many requests were answered, and by nobody        (the queue)
tracks     further tracks of the timeline, such as the level     (degradation)
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from portal.kit.viewer import Viewer


@dataclass(frozen=True, slots=True)
class Load:
    """What the queue holds for one upstream. `oldest_at`: since when the oldest open item waits; `conflict_at`: the oldest conflict."""

    waiting: int = 0
    in_flight: int = 0
    failed: int = 0
    conflicts: int = 0
    oldest_at: datetime | None = None
    conflict_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Impact:
    """One line of what an outage means: "Waiting" · "125 changes in 61 lanes" · its rows · "none lost". `n` is the figure alone."""

    label: str
    text: str
    n: int = 0
    href: str = ""
    more: str = ""


@dataclass(frozen=True, slots=True)
class Stretch:
    """A part of a timeline's track: from `start` to `end` (None is now), what it says, and how it looks."""

    start: datetime
    end: datetime | None
    word: str
    tone: str


Loads = Callable[[Sequence[int]], Mapping[int, Load]]
Impacts = Callable[[Viewer, Sequence[int]], Sequence[Impact]]
Depths = Callable[[int, datetime, datetime], Sequence[tuple[datetime, int]]]
Calls = Callable[[datetime], Mapping[int, tuple[int, int]]]
Track = Callable[[int, datetime, datetime], Sequence[Stretch]]

_loads: list[Loads] = []
_impacts: dict[str, Impacts] = {}
_depths: list[Depths] = []
_calls: list[Calls] = []
_tracks: dict[str, Track] = {}


def register_load(provider: Loads) -> None:
    """Makes `provider` the one that knows what waits, by upstream ids; the last one counts."""
    _loads[:] = [provider]


def register_impact(name: str, provider: Impacts) -> None:
    """Adds lines to what an outage of these upstreams means to this viewer; the same name again replaces them."""
    _impacts[name] = provider


def register_depths(provider: Depths) -> None:
    """Makes `provider` the one that knows how much waited for an upstream between two moments; the last one counts."""
    _depths[:] = [provider]


def register_calls(provider: Calls) -> None:
    """Makes `provider` the one that knows how many requests since a moment were answered, and how many by nobody, by upstream; the last
    one counts."""
    _calls[:] = [provider]


def register_track(name: str, provider: Track) -> None:
    """Adds a track to the timeline of an upstream; the same name again replaces it."""
    _tracks[name] = provider


def loads(upstream_ids: Sequence[int]) -> dict[int, Load]:
    """What waits for each of these upstreams."""
    known = _loads[0](upstream_ids) if _loads and upstream_ids else {}
    return {upstream_id: known.get(upstream_id, Load()) for upstream_id in upstream_ids}


def impacts(viewer: Viewer, upstream_ids: Sequence[int]) -> list[Impact]:
    """What an outage of these upstreams means, in the order of registration."""
    return [line for provider in _impacts.values() for line in provider(viewer, upstream_ids)] if upstream_ids else []


def depths(upstream_id: int, since: datetime, until: datetime) -> list[tuple[datetime, int]]:
    """How much waited for this upstream at these moments."""
    return list(_depths[0](upstream_id, since, until)) if _depths else []


def calls(since: datetime) -> dict[int, tuple[int, int]]:
    """How many of the requests since then were answered at all, and how many were not, by upstream."""
    return dict(_calls[0](since)) if _calls else {}


def tracks(upstream_id: int, since: datetime, until: datetime) -> dict[str, list[Stretch]]:
    """The further tracks of the timeline, by name."""
    return {name: list(provider(upstream_id, since, until)) for name, provider in _tracks.items()}
