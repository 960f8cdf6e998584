"""Everything that /metrics tells, as families of figures. docs/monitoring/metrics.md lists them; a test holds the two together."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from time import perf_counter
from typing import Final

from django.conf import settings
from django.db import Error, connection

from portal.duties.health import faults, standings
from portal.kit import clock
from portal.monitoring import figures
from portal.monitoring.core.exposition import Family, labels
from portal.monitoring.figures import MOST, Followed, OfProbe, OfUpstream
from resilience.health.core.states import Severity, State
from resilience.health.system import System, system_of
from resilience.patterns.typing import State as BreakerState
from syncqueue.core.states import ItemState

STATUSES = ("healthy", "degraded", "unhealthy", "unknown")
OPEN = tuple(state.slug for state in ItemState if state.open)
OUTCOMES = ("delivered", "retried", "merged", "refused")
BREAKER_STATES = tuple(state.value for state in BreakerState)
NEVER_YET: Final = dict.fromkeys(("closed>open", "open>half_open", "half_open>closed", "half_open>open"), 0)
"""The usual changes of a breaker: there from the beginning, since Prometheus sees no increase in a counter that appears with 1."""
FORCES = ("open", "closed", "disabled")
COMPONENT_STATES = tuple(state.value for state in State)

Of = Mapping[int, str]
"""The labels of each upstream, or of each organization, by its id."""

COUNTED: Final = (
    ("breakwater_queue_enqueued_total", "Changes taken in.", "enqueued"),
    ("breakwater_queue_coalesced_total", "Changes that went out with another one: requests saved.", "coalesced"),
    ("breakwater_conflicts_total", "Conflicts that were left to people.", "conflicts_ever"),
    ("retry_attempts_total", "Deliveries that failed and are tried again.", "retried"),
    ("retry_give_ups_total", "Items that became dead letters.", "failed_ever"),
    ("timeout_operations_total", "Deliveries that had no answer within the timeout of their upstream.", "timed_out"),
)
"""The queue's counters that are a metric each."""

OF_UPSTREAMS: Final[Sequence[tuple[str, str, Callable[[OfUpstream], int]]]] = (
    ("breakwater_upstream_critical", "1 for an upstream that is marked as critical.", lambda one: int(one.critical)),
    ("breakwater_upstream_paused", "1 for an upstream that a person has paused.", lambda one: int(one.paused)),
    ("bulkhead_active", "Places of an upstream that are taken by requests now.", lambda one: one.in_use),
    ("bulkhead_max_concurrent", "Places that an upstream has: its in-flight limit.", lambda one: one.limit),
)
"""The gauges of an upstream that are one figure each."""


def families() -> list[Family]:
    """Every metric, as the database has it now. While it is away, only that it is."""
    started = perf_counter()
    up = Family("breakwater_database_up", "gauge", "Whether this web process can read the database.")
    try:
        found = list(_read())
    except Error:
        up.add(0)
        return [up]
    up.add(1)
    took = Family("breakwater_scrape_seconds", "gauge", "How long it took to read these figures.")
    took.add(round(perf_counter() - started, 6))
    return [up, *found, took]


def _read() -> Iterable[Family]:
    now, viewer = clock.now(), figures.operator()
    of_organizations = {pk: labels(organization=slug) for pk, slug in figures.slugs(viewer).items()}
    system = system_of(None)
    every, probes = figures.upstreams(viewer, system), figures.probes(viewer)
    shown, of = (
        every[:MOST],
        {one.id: f"{of_organizations[one.organization_id]},{labels(upstream=one.slug)}" for one in every},
    )
    yield from _system(system)
    yield from _components(system)
    yield from _queue(shown, of, now)
    yield from _breakers(shown, of)
    yield from _upstreams(shown, of)
    yield from _probes(probes[:MOST])
    yield from _followed(figures.followed(viewer, now), of_organizations)
    yield from _workers(figures.oldest_due(probes, now))
    yield from _storage()
    left_out = Family("breakwater_metrics_left_out", "gauge", "Upstreams and probes beyond the most that are exported.")
    left_out.add(max(len(every) - MOST, 0), 'kind="upstream"')
    left_out.add(max(len(probes) - MOST, 0), 'kind="probe"')
    yield left_out


def _system(system: System) -> Iterable[Family]:
    about = Family("breakwater_info", "gauge", "1, with what this portal runs on.")
    about.add(1, labels(database=connection.vendor, environment=settings.BREAKWATER_ENV))
    status = Family("breakwater_health_status", "gauge", "1 for how the whole portal is, 0 for the others.")
    status.one_of(STATUSES, system.status, "status")
    score = Family("breakwater_health_score", "gauge", "Score of the whole portal, 0 to 100; absent without data.")
    if system.score is not None:
        score.add(system.score)
    parts = Family("breakwater_health_part_score", "gauge", "Score of each part of it, 0 to 100; absent without data.")
    for part in system.parts:
        if part.score is not None:
            parts.add(part.score, labels(part=part.name))
    outages = Family("breakwater_outages", "gauge", "Outages that go on and are not planned, by severity.")
    planned = Family("breakwater_outages_planned", "gauge", "Outages that go on in planned maintenance.")
    planned.add(len(system.outages) - len(system.unplanned))
    severities = [outage.severity for outage in system.unplanned]
    for severity in Severity:
        outages.add(severities.count(severity.value), labels(severity=severity.value))
    yield from (about, status, score, parts, outages, planned)


def _components(system: System) -> Iterable[Family]:
    state = Family("breakwater_component_state", "gauge", "1 for the state of a component as it can be read now.")
    score = Family("breakwater_component_score", "gauge", "Score of a component, 0 to 100; absent without data.")
    for one in sorted(system.components, key=lambda one: one.component.pk)[:MOST]:
        organization = one.component.organization
        mine = labels(organization=organization.slug if organization else "", component=one.component.slug)
        state.one_of(COMPONENT_STATES, one.state.value, "state", mine)
        if one.score is not None:
            score.add(one.score, mine)
    yield from (state, score)


def _queue(every: Sequence[OfUpstream], of: Of, now: datetime) -> Iterable[Family]:
    items = Family("breakwater_queue_items", "gauge", "Items that are open, by state.")
    deliveries = Family("breakwater_queue_deliveries_total", "counter", "Deliveries that ended, by what came of them.")
    oldest = Family(
        "breakwater_queue_oldest_item_age_seconds", "gauge", "Age of the oldest item that waits; 0 for none."
    )
    conflict = Family("breakwater_conflict_oldest_age_seconds", "gauge", "Age of the oldest open conflict; 0 for none.")
    for one in every:
        mine = of[one.id]
        for slug in OPEN:
            items.add(one.counted(slug), mine, f'state="{slug}"')
        for outcome in OUTCOMES:
            deliveries.add(one.counted(outcome), mine, f'outcome="{outcome}"')
        oldest.add(_age(one.load.oldest_at, now), mine)
        conflict.add(_age(one.load.conflict_at, now), mine)
    yield from (items, deliveries, oldest, conflict)
    for name, says, counter in COUNTED:
        counted = Family(name, "counter", says)
        for one in every:
            counted.add(one.counted(counter), of[one.id])
        yield counted


def _breakers(every: Sequence[OfUpstream], of: Of) -> Iterable[Family]:
    state = Family("circuit_breaker_state", "gauge", "1 for the state that a breaker is in, 0 for the others.")
    forced = Family("circuit_breaker_forced", "gauge", "1 while a person's word overrides the figures of a breaker.")
    calls = Family("circuit_breaker_calls_total", "counter", "Calls that a breaker let through and counted.")
    changes = Family("circuit_breaker_state_changes_total", "counter", "Changes of a breaker's state, by both states.")
    for one in every:
        mine = of[one.id]
        state.one_of(BREAKER_STATES, one.breaker.state if one.breaker else BreakerState.CLOSED.value, "state", mine)
        forced.one_of(FORCES, one.breaker.force if one.breaker else "", "forced", mine)
        for result in ("success", "failure"):
            calls.add(one.totals.get(result, 0), mine, f'result="{result}"')
        for name, count in {**NEVER_YET, **one.totals}.items():
            before, changed, after = name.partition(">")
            if changed:
                changes.add(count, mine, labels(from_=before, to=after))
    yield from (state, forced, calls, changes)
    for name, says, word in (
        ("circuit_breaker_rejected_total", "Calls that a breaker refused.", "rejected"),
        (
            "circuit_breaker_ignored_total",
            "Calls that ended in a way that says nothing about the other side.",
            "ignored",
        ),
        ("circuit_breaker_slow_calls_total", "Counted calls that were slow.", "slow"),
    ):
        counted = Family(name, "counter", says)
        for one in every:
            counted.add(one.totals.get(word, 0), of[one.id])
        yield counted


def _upstreams(every: Sequence[OfUpstream], of: Of) -> Iterable[Family]:
    for name, says, read in OF_UPSTREAMS:
        gauge = Family(name, "gauge", says)
        for one in every:
            gauge.add(read(one), of[one.id])
        yield gauge
    executions = Family(
        "bulkhead_executions_total", "counter", "Deliveries that got a place of their upstream and ended."
    )
    for one in every:
        executions.add(one.sent, of[one.id], 'state="active"')
    yield executions


def _probes(every: Sequence[OfProbe]) -> Iterable[Family]:
    runs = Family("breakwater_probe_runs_total", "counter", "Runs of a probe.")
    failed = Family("breakwater_probe_failures_total", "counter", "Runs of a probe that found something wrong.")
    skipped = Family(
        "breakwater_probe_skipped_total", "counter", "Runs of a probe that were due while one was going on."
    )
    took = Family("breakwater_probe_run_seconds_total", "counter", "Seconds that the runs of a probe took together.")
    last = Family("breakwater_probe_last_run_seconds", "gauge", "Seconds that the last run of a probe took.")
    expiry = Family(
        "breakwater_certificate_expiry_timestamp_seconds", "gauge", "When the certificate ends that a probe saw."
    )
    for one in every:
        mine = labels(organization=one.organization, component=one.component, probe=one.name)
        runs.add(one.runs, mine)
        failed.add(one.failed, mine)
        skipped.add(one.skipped, mine)
        took.add(round(one.ms / 1_000, 6), mine)
        if one.last_ms is not None:
            last.add(round(one.last_ms / 1_000, 6), mine)
        if one.expires_at is not None:
            expiry.add(one.expires_at, mine)
    yield from (runs, failed, skipped, took, last, expiry)


def _followed(found: Mapping[int, Followed], of: Of) -> Iterable[Family]:
    lag = Family(
        "breakwater_analytics_ingest_lag_seconds", "gauge", "Age of the oldest analytics event that waits; 0 for none."
    )
    pending = Family("breakwater_assignments_pending", "gauge", "Assignments that wait to be delivered.")
    stuck = Family(
        "breakwater_assignments_stuck", "gauge", "Assignments that failed or are in conflict: a person has to act."
    )
    for organization_id, mine in of.items():
        one = found.get(organization_id, Followed())
        lag.add(round(one.lag, 3), mine)
        pending.add(one.pending, mine)
        stuck.add(one.stuck, mine)
    enforced = Family(
        "breakwater_org_enforcement", "gauge", "1 while changes by people of other organizations are refused."
    )
    enforced.add(int(settings.FORCE_ORG_ENFORCEMENT))
    yield from (lag, pending, stuck, enforced)


def _workers(overdue: float) -> Iterable[Family]:
    ready = Family("breakwater_ready", "gauge", "1 while the portal can be used: what /readyz says.")
    ready.add(int(not faults()))
    up = Family("breakwater_duty_up", "gauge", "1 for a duty that somebody runs.")
    age = Family("breakwater_duty_heartbeat_age_seconds", "gauge", "Seconds since a duty last said that it runs.")
    for duty in standings():
        up.add(int(not duty.fault), labels(duty=duty.name))
        if duty.age is not None:
            age.add(round(duty.age, 3), labels(duty=duty.name))
    tasks = Family("breakwater_worker_tasks_waiting", "gauge", "Tasks that wait for a worker process.")
    tasks.add(figures.tasks_waiting())
    late = Family("breakwater_probe_overdue_seconds", "gauge", "By how much the most belated probe is late.")
    late.add(round(overdue, 3))
    yield from (ready, up, age, tasks, late)


def _storage() -> Iterable[Family]:
    found = figures.storage()
    size = Family("breakwater_database_size_bytes", "gauge", "Size of the database, without SQLite's write-ahead log.")
    size.add(found.size)
    log = Family("breakwater_database_log_size_bytes", "gauge", "Size of SQLite's write-ahead log; 0 on PostgreSQL.")
    log.add(found.log)
    free = Family("breakwater_disk_free_bytes", "gauge", "What is free on the disk of BREAKWATER_HOME.")
    free.add(found.free)
    whole = Family("breakwater_disk_size_bytes", "gauge", "Size of the disk of BREAKWATER_HOME.")
    whole.add(found.whole)
    yield from (size, log, free, whole)


def _age(since: datetime | None, now: datetime) -> float:
    return 0.0 if since is None else round(max((now - since).total_seconds(), 0.0), 3)
