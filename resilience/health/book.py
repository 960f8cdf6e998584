"""What the prober knows of the database: what is to be asked, which breakers are out, what is planned.

Used by the prober's database thread alone.
"""

import logging
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from time import monotonic

from django.db import DataError, IntegrityError, connection, transaction
from django.utils.translation import gettext as _

from portal.kit import clock
from resilience.breakers.figures import figures_of
from resilience.breakers.runtime import Runtime
from resilience.breakers.shared import SharedBreaker
from resilience.breakers.store import Store
from resilience.health import store
from resilience.health.actions.reassess import reassess
from resilience.health.actions.settle import NotOurs, Settled, forget, settle
from resilience.health.asking import Ready, ready
from resilience.health.core.judge import Change, Standing, judge
from resilience.health.core.occurrences import active_at
from resilience.health.core.states import State
from resilience.health.core.status import is_stale
from resilience.health.models import Component, Maintenance, Outage, Probe
from resilience.health.providers import loads
from resilience.health.store import Fence, Ran

log = logging.getLogger(__name__)

LOOK = 0.5
"""Seconds between two looks at what others changed."""
PLANS = 2.0
STALE = 5.0
WAITING = 10.0
SWEEP = 60.0
"""Seconds between two times that every component is held against all that is known, whatever was noticed."""


@dataclass(slots=True)
class Watched:
    """A probe as the prober holds it. `standing` and `seen_at` are hints: its row decides.

    `seen_at` is when something was found out about it for the last time; a blind result finds out nothing.
    """

    probe_id: int
    component_id: int
    revision: int
    key: tuple[int, ...]
    interval: float
    slow_after_ms: int | None
    down_after: int
    up_after: int
    what: Ready
    breaker: SharedBreaker | None
    standing: Standing
    seen_at: datetime | None
    doubtful: bool = False

    def after(self, *, ok: bool, slow: bool, at: datetime) -> tuple[Standing, Change | None]:
        """How it would stand after such a result."""
        down, up = self.down_after, self.up_after
        return judge(self.standing, ok=ok, slow=slow, at=at, down_after=down, up_after=up)


@dataclass(slots=True)
class News:
    """What one look found. `watched` is everything that is to be asked, when that may have changed."""

    watched: dict[int, Watched] | None = None


class Book:
    """Reads what changed and writes what was found. `fence` is the holding of the duty under which it writes."""

    def __init__(self, *, breakers: Runtime, fence: Fence | None) -> None:
        self.watched: dict[int, Watched] = {}
        self._breakers = breakers
        self._fence = fence
        self._store = Store()
        self._components: dict[int, int] = {}
        self._moves: dict[int, tuple[int, str, str]] = {}
        self._plans: list[Maintenance] = []
        self._organizations: dict[int, int | None] = {}
        self._maintained: set[int] = set()
        self._signature: tuple[object, ...] = ()
        self._version: int | None = None
        self._breakers_seen: datetime | None = None
        self._done: dict[str, float] = {}

    def open(self) -> News:
        """Everything, read for the first time: what was not asked for too long is not known any more, and every component is looked at."""
        self._load()
        self._breakers_changed()
        self._maintained = self._planned()
        self._forget_stale()
        self._guarded(lambda: self._reassess(self._components.values()))
        for name in ("plans", "stale", "waiting", "sweep"):
            self._done[name] = monotonic()
        return News(watched=self.watched)

    def settle(self, runs: list[Ran], skipped: Mapping[int, int]) -> None:
        """Writes what was found. Raises NotOurs after a take-over.

        A run that the database refuses for what it holds is dropped; it would be refused for ever, and the others with it.
        """
        try:
            settled = settle(runs, maintained=self._maintained, skipped=skipped, fence=self._fence)
        except (DataError, IntegrityError):
            if len(runs) <= 1:
                log.exception("A result of the probe %s cannot be kept", [run.probe_id for run in runs])
                return
            for run in runs:
                self.settle([run], {})
            return
        self._remember(settled)

    def look(self) -> News:
        """What others changed, when it is time to look."""
        news = News()
        if self._is_time("look", LOOK):
            self._look(news)
        return news

    # -- what others changed -----------------------------------------------------------------------------------------

    def _look(self, news: News) -> None:
        version = store.data_version()
        quiet = version is not None and version == self._version
        self._version = version
        if not quiet:
            if self._settings_changed():
                self._load()
                news.watched = self.watched
                self._maintained = self._planned()
                self._guarded(lambda: self._reassess(self._components.values()))
            if changed := self._breakers_changed():
                self._guarded(lambda: self._reassess(changed))
        if self._is_time("plans", PLANS):
            self._follow_plans()
        if self._is_time("stale", STALE):
            self._forget_stale()
        if self._is_time("waiting", WAITING):
            self._note_waiting()
        if self._is_time("sweep", SWEEP):
            self._load()
            news.watched = self.watched
            self._guarded(lambda: self._reassess(self._components.values()))

    def _is_time(self, name: str, every: float) -> bool:
        now = monotonic()
        if now - self._done.get(name, float("-inf")) < every:
            return False
        self._done[name] = now
        return True

    def _settings_changed(self) -> bool:
        with connection.cursor() as cursor:
            return store.signature(cursor) != self._signature

    def _load(self) -> None:
        """Reads what is to be asked. What did not change is kept as it is, its secrets in the clear included."""
        with connection.cursor() as cursor:
            self._signature = store.signature(cursor)
        rows = Component.objects.unscoped().values_list("pk", "upstream_id", "organization_id")
        listed = list(rows)
        self._components = {pk if upstream is None else -upstream: pk for pk, upstream, _ in listed}
        self._organizations = {pk: organization for pk, _, organization in listed}
        self._plans = list(Maintenance.objects.unscoped().standing())
        probes = Probe.objects.unscoped().select_related("component__upstream").filter(enabled=True)
        self.watched = {probe.pk: self._watched(probe) for probe in probes}
        self._forget_disabled()

    def _watched(self, probe: Probe) -> Watched:
        upstream = probe.component.upstream
        key = (probe.revision, probe.component.revision, upstream.revision if upstream else 0)
        known = self.watched.get(probe.pk)
        feeds = upstream is not None and probe.component.feeds_breaker
        breaker = None
        if upstream is not None and feeds:
            breaker = self._breakers.of(upstream.pk, upstream.slug, figures_of(upstream))
        if known is not None and known.key == key:
            known.breaker, known.standing = breaker, _standing(probe)
            return known
        return Watched(
            probe_id=probe.pk,
            component_id=probe.component_id,
            revision=probe.revision,
            key=key,
            interval=probe.interval,
            slow_after_ms=probe.slow_after_ms,
            down_after=probe.failures_to_down,
            up_after=probe.successes_to_up,
            what=ready(probe),
            breaker=breaker,
            standing=_standing(probe),
            seen_at=probe.last_at,
        )

    def _breakers_changed(self) -> list[int]:
        """The components whose breaker moved since the last look, be it open and closed again in between."""
        self._breakers_seen, rows = self._store.changed(self._breakers_seen)
        changed = []
        for upstream_id, shared in rows:
            mark = (shared.generation, shared.state.value, shared.forced)
            if mark != self._moves.get(upstream_id):
                changed.append(upstream_id)
            self._moves[upstream_id] = mark
        return [self._components[-pk] for pk in changed if -pk in self._components]

    # -- what is planned, and what is not known any more -------------------------------------------------------------

    def _planned(self) -> set[int]:
        """The components whose maintenance is now."""
        plans = [active.plan for active in active_at(self._plans, clock.now())]
        single = {plan.component_id for plan in plans if plan.component_id is not None}
        whole = {plan.organization_id for plan in plans if plan.component_id is None}
        return {pk for pk, organization in self._organizations.items() if pk in single or organization in whole}

    def _follow_plans(self) -> None:
        before, self._maintained = self._maintained, self._planned()
        if changed := before ^ self._maintained:
            self._guarded(lambda: self._reassess(changed))

    def _forget_stale(self) -> None:
        now = clock.now()
        why = _("no data: it was not asked")
        stale = {
            one.probe_id: (one.seen_at, why)
            for one in self.watched.values()
            if one.standing.state.known and one.seen_at is not None and is_stale(one.interval, one.seen_at, now)
        }
        if stale:
            self._remember(forget(stale, maintained=self._maintained, fence=self._fence))

    def _forget_disabled(self) -> None:
        """A probe that is switched off knows nothing."""
        off = Probe.objects.unscoped().filter(enabled=False).exclude(state=State.NONE.value)
        if ids := list(off.values_list("pk", flat=True)):
            forget(dict.fromkeys(ids, (None, _("switched off"))), maintained=self._maintained, fence=self._fence)

    def _remember(self, settled: Settled) -> None:
        for probe_id, standing in settled.standings.items():
            if (one := self.watched.get(probe_id)) is not None:
                one.standing = standing

    def _note_waiting(self) -> None:
        """Keeps how much waited at most in each outage that goes on."""
        active = Outage.objects.unscoped().active().filter(component__upstream__isnull=False)
        rows = {up: (pk, most) for pk, up, most in active.values_list("pk", "component__upstream_id", "most_waiting")}
        for upstream_id, load in loads(list(rows)).items():
            pk, most = rows[upstream_id]
            if load.waiting > (most or 0):
                self._guarded(partial(_keep_waiting, pk, load.waiting))

    # -- writing -----------------------------------------------------------------------------------------------------

    def _reassess(self, component_ids: Iterable[int]) -> None:
        reassess(component_ids, now=clock.now(), maintained=self._maintained)

    def _guarded(self, work: Callable[[], object]) -> None:
        """Does it in one transaction, if the duty is still ours."""
        with transaction.atomic(), connection.cursor() as cursor:
            if self._fence is not None and not store.is_held(cursor, self._fence):
                raise NotOurs
            work()


def _standing(probe: Probe) -> Standing:
    state = State(probe.state)
    return Standing(state, probe.since, probe.failures, probe.successes, probe.slows, probe.streak_at)


def _keep_waiting(outage_id: int, waiting: int) -> None:
    Outage.objects.unscoped().active().filter(pk=outage_id).update(most_waiting=waiting)
