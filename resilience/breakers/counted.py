"""What the processes counted about an upstream, put together for people: its last calls, and how close it is to opening.

Each process counts for itself, and any of them opens the breaker for all; so a meter shows the process that is closest.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from django.db.models import OuterRef, Subquery

from portal.kit.viewer import Viewer
from resilience.breakers.models import Breaker, Transition, Window
from resilience.patterns.config import BreakerConfig
from resilience.patterns.typing import Verdict
from resilience.upstreams.models import Upstream

SHOWN_CALLS = 60
LIVING = timedelta(minutes=5)
"""What a process counted is left out when another one published so much later: it has most likely ended without a word."""
CLOSE = 0.5
"""From this share of a threshold on a meter is amber."""


@dataclass(frozen=True, slots=True)
class Call:
    """One call: when it ended, how many seconds it took, what it meant, and whether it counts as slow."""

    at: datetime
    seconds: float
    verdict: Verdict
    slow: bool = False

    @property
    def failed(self) -> bool:
        """Whether it counts against the upstream."""
        return self.verdict is Verdict.FAILURE


@dataclass(frozen=True, slots=True)
class Failure:
    """An error that a process kept as a sample."""

    at: datetime
    code: str
    text: str


@dataclass(frozen=True, slots=True)
class Figures:
    """What one process had counted at one moment."""

    at: datetime
    calls: int = 0
    failures: int = 0
    slow: int = 0
    consecutive: int = 0
    in_window: int | None = None
    score: float | None = None
    recent: tuple[Call, ...] = ()
    errors: tuple[Failure, ...] = ()

    def failures_since(self, moment: datetime) -> int:
        """How many calls failed since then: of the last calls, or what was published where these do not reach back so far."""
        known = sum(1 for call in self.recent if call.failed and call.at > moment)
        reaches = len(self.recent) < SHOWN_CALLS or self.recent[0].at <= moment
        return known if reaches else max(known, self.in_window or 0)


@dataclass(frozen=True, slots=True)
class Reading:
    """How close one rule is to opening the breaker. `value` and `limit` are counts, or shares; `calls` is set while they are too few."""

    rule: str
    value: float
    limit: float
    calls: int | None = None
    least: int = 0

    @property
    def share(self) -> float:
        """How much of the limit is reached, 0 to 1."""
        return 0.0 if self.calls is not None else min(self.value / self.limit, 1.0)

    @property
    def tone(self) -> str:
        """Quiet while it is far away."""
        return "bad" if self.share >= 1 else "warn" if self.share >= CLOSE else "idle"


def read(text: str, at: datetime, config: BreakerConfig) -> Figures | None:
    """The figures of a window's JSON text; None when there are none."""
    if not text:
        return None
    said: Mapping[str, Any] = json.loads(text)
    slow = config.slow_call_duration
    calls = tuple(
        Call(_moment(when), seconds, Verdict(verdict), slow is not None and seconds >= slow)
        for when, seconds, verdict in said.get("recent", ())
    )
    errors = tuple(Failure(_moment(one["at"]), one["code"] or one["type"], one["text"]) for one in said["errors"])
    counts = {name: said.get(name) or 0 for name in ("calls", "failures", "slow", "consecutive")}
    return Figures(at, **counts, in_window=said.get("in_window"), score=said.get("score"), recent=calls, errors=errors)


def living(published: Iterable[Figures]) -> list[Figures]:
    """Those of processes that are still there, as far as it can be told: published within LIVING of the newest of them.

    A process publishes while its figures change, so one that is behind the others by so much has ended, or has nothing to do with it.
    Where no process has had a call for long, what each of them counted still holds.
    """
    known = list(published)
    newest = max((one.at for one in known), default=None)
    return [one for one in known if newest is None or newest - one.at <= LIVING]


def of_windows(windows: Iterable[Window], config: BreakerConfig) -> list[Figures]:
    """What each process has published."""
    return [figures for window in windows if (figures := read(window.figures, window.at, config))]


def present(published: Sequence[Figures], moved_at: datetime | None) -> list[Figures]:
    """Those that count: of living processes, and since the last move, since what came before counts for nothing any more."""
    return [figures for figures in living(published) if moved_at is None or figures.at >= moved_at]


def since(figures: Figures, moment: datetime) -> Figures:
    """The figures with only those last calls and errors that came since then."""
    recent = tuple(call for call in figures.recent if call.at >= moment)
    return replace(figures, recent=recent, errors=tuple(error for error in figures.errors if error.at >= moment))


def moves_at(viewer: Viewer, upstream_ids: Iterable[int]) -> dict[int, datetime | None]:
    """When each of these breakers moved last; None where it never did."""
    last = Transition.objects.for_org(viewer).filter(breaker_id=OuterRef("pk")).order_by("-id").values("at")[:1]
    return dict(Upstream.objects.for_org(viewer).filter(pk__in=list(upstream_ids)).values_list("pk", Subquery(last)))


def opened_of(viewer: Viewer, breakers: Iterable[Breaker]) -> dict[int, Transition]:
    """What opened each of these that are out now, however long ago and however often it was tested since."""
    since = {breaker.pk: breaker.opened_at for breaker in breakers if breaker.out}
    mine = Transition.objects.for_org(viewer).opened().filter(breaker_id=OuterRef("pk"))
    newest = (
        Breaker.objects.for_org(viewer).filter(pk__in=list(since)).annotate(opening=Subquery(mine.values("pk")[:1]))
    )
    ids = list(newest.values_list("opening", flat=True)) if since else []
    found = Transition.objects.for_org(viewer).filter(pk__in=ids)
    return {one.breaker_id: one for one in found if _of_this_time(one, since[one.breaker_id])}


def _of_this_time(opening: Transition, since: datetime | None) -> bool:
    """The one that began the present outage may have been removed; then none is better than an earlier one."""
    return since is None or opening.at >= since


def last_calls(figures: Iterable[Figures]) -> list[Call]:
    """The last calls over all processes, the oldest first."""
    calls = {call for one in figures for call in one.recent}
    return sorted(calls, key=lambda call: (call.at, call.seconds))[-SHOWN_CALLS:]


def last_errors(figures: Iterable[Figures], most: int = 5) -> list[Failure]:
    """The last sample errors over all processes, the newest first."""
    errors = {error for one in figures for error in one.errors}
    return sorted(errors, key=lambda error: error.at, reverse=True)[:most]


def readings(figures: Sequence[Figures], config: BreakerConfig, now: datetime) -> list[Reading]:
    """How close each rule that is on is to opening the breaker, in the process that is closest."""
    found = []
    if config.failure_threshold is not None:
        most = max((one.consecutive for one in figures), default=0)
        found.append(Reading("row", most, config.failure_threshold))
    if config.failures_in_window is not None:
        since = now - timedelta(seconds=config.window_seconds)
        most = max((one.failures_since(since) for one in figures), default=0)
        found.append(Reading("window", most, config.failures_in_window))
    if config.failure_rate_threshold is not None:
        counts = [(one.failures, one.calls) for one in figures]
        found.append(_rate("failures", counts, config.failure_rate_threshold, config.volume_threshold))
    if config.slow_call_rate_threshold is not None:
        counts = [(one.slow, one.calls) for one in figures]
        found.append(_rate("slow", counts, config.slow_call_rate_threshold, config.volume_threshold))
    return found


def _rate(rule: str, counts: Sequence[tuple[int, int]], limit: float, least: int) -> Reading:
    enough = [some / calls for some, calls in counts if calls >= least]
    if enough:
        return Reading(rule, max(enough), limit)
    some, calls = max(counts, key=lambda count: count[1], default=(0, 0))
    return Reading(rule, some / calls if calls else 0.0, limit, calls, least)


def _moment(epoch: float) -> datetime:
    return datetime.fromtimestamp(epoch, UTC)
