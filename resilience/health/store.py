"""The prober's hot SQL, written by hand, in one place, for SQLite and PostgreSQL. Everything here runs inside the caller's transaction."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from django.db import connection
from django.db.backends.utils import CursorWrapper

from resilience.health.core.judge import Standing
from resilience.health.core.states import State


@dataclass(frozen=True, slots=True)
class Fence:
    """The holding of a duty under which something may be written."""

    duty: str
    fence: int
    owner: str


@dataclass(frozen=True, slots=True)
class Ran:
    """One run that is over. `revision` is the probe's when it was asked; `at` is when it was asked; `metadata` is JSON text."""

    probe_id: int
    revision: int
    at: datetime
    ok: bool
    ms: float
    slow: bool = False
    error: str = ""
    metadata: str = ""
    unanswered: bool = False
    blind: bool = False
    by_hand: bool = False


@dataclass(frozen=True, slots=True)
class Judged:
    """What the judgement of a probe's results goes by, as the row says it now."""

    probe_id: int
    component_id: int
    name: str
    revision: int
    interval: float
    slow_after_ms: int | None
    down_after: int
    up_after: int
    standing: Standing
    last_at: datetime | None


def is_held(cursor: CursorWrapper, fence: Fence) -> bool:
    """Whether a duty is still held by that holder; nobody else can take it before the transaction ends."""
    statement = "SELECT 1 FROM duties_processinglock WHERE duty = %s AND fence = %s AND owner = %s"
    lock = "" if connection.vendor == "sqlite" else " FOR SHARE"
    cursor.execute(statement + lock, [fence.duty, fence.fence, fence.owner])
    return cursor.fetchone() is not None


def look(cursor: CursorWrapper, probe_ids: Iterable[int]) -> dict[int, tuple[int, State]]:
    """The component and the state of probes, without a lock."""
    wanted = sorted(set(probe_ids))
    found: dict[int, tuple[int, State]] = {}
    for start in range(0, len(wanted), 500):
        part = wanted[start : start + 500]
        cursor.execute(_LOOK.format(marks=",".join(["%s"] * len(part))), part)
        found.update({row[0]: (row[1], State(row[2])) for row in cursor.fetchall()})
    return found


def lock_components(cursor: CursorWrapper, component_ids: Iterable[int]) -> None:
    """Locks components in the order of their ids. Whoever locks both locks components before probes."""
    wanted = sorted(set(component_ids))
    if not wanted or connection.vendor == "sqlite":
        return
    cursor.execute("SELECT id FROM health_component WHERE id = ANY(%s) ORDER BY id FOR NO KEY UPDATE", [wanted])


_LOOK = "SELECT id, component_id, state FROM health_probe WHERE id IN ({marks})"
_JUDGED = (
    "SELECT id, component_id, name, revision, interval, slow_after_ms, failures_to_down, successes_to_up,"
    " state, since, failures, successes, slows, streak_at, last_at FROM health_probe WHERE id IN ({marks}) ORDER BY id{lock}"
)


def lock_probes(cursor: CursorWrapper, probe_ids: Iterable[int]) -> dict[int, Judged]:
    """Locks probes in the order of their ids, and gives how they stand; those that are no more are missing."""
    wanted = sorted(set(probe_ids))
    found: dict[int, Judged] = {}
    lock = "" if connection.vendor == "sqlite" else " FOR NO KEY UPDATE"
    for start in range(0, len(wanted), 500):
        part = wanted[start : start + 500]
        cursor.execute(_JUDGED.format(marks=",".join(["%s"] * len(part)), lock=lock), part)
        found.update({row[0]: _judged(row) for row in cursor.fetchall()})
    return found


def _judged(row: Sequence[Any]) -> Judged:
    state, since, failures, successes, slows, streak_at = row[8:14]
    standing = Standing(State(state), read_time(since), failures, successes, slows, read_time(streak_at))
    probe_id, component_id, name, revision, interval, slow_after_ms, down_after, up_after = row[:8]
    return Judged(
        probe_id=probe_id,
        component_id=component_id,
        name=name,
        revision=revision,
        interval=interval,
        slow_after_ms=slow_after_ms,
        down_after=down_after,
        up_after=up_after,
        standing=standing,
        last_at=read_time(row[14]),
    )


_RESULT = (
    "INSERT INTO health_result (probe_id, at, ok, slow, ms, state, unanswered, maintenance, blind, by_hand, error, metadata)"
    " VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s)"
)
_RUN = (
    "UPDATE health_probe SET state = %s, since = %s, failures = %s, successes = %s, slows = %s, streak_at = %s, last_at = %s,"
    " last_ok = %s, last_ms = %s, last_error = %s, last_metadata = %s, runs = runs + 1, runs_failed = runs_failed + %s,"
    " runs_ms = runs_ms + %s WHERE id = %s"
)
_STANDING = "UPDATE health_probe SET state = %s, since = %s, failures = %s, successes = %s, slows = %s, streak_at = %s WHERE id = %s"


def write_runs(cursor: CursorWrapper, runs: Sequence[tuple[Ran, Standing, bool]]) -> None:
    """Appends results and moves their probes on: each run with the standing after it, and whether maintenance was planned then."""
    if not runs:
        return
    cursor.executemany(_RESULT, [_result(*one) for one in runs])
    cursor.executemany(_RUN, [_run(ran, standing) for ran, standing, _ in runs])


def _result(ran: Ran, standing: Standing, maintenance: bool) -> tuple[Any, ...]:
    said = (ran.unanswered, maintenance, ran.blind, ran.by_hand, ran.error, ran.metadata)
    return (ran.probe_id, time(ran.at), ran.ok, ran.slow, ran.ms, standing.state.value, *said)


def _run(ran: Ran, standing: Standing) -> tuple[Any, ...]:
    last = (time(ran.at), ran.ok, ran.ms, ran.error, ran.metadata)
    return (*_standing(standing), *last, 0 if ran.ok else 1, ran.ms, ran.probe_id)


def write_standings(cursor: CursorWrapper, standings: Sequence[tuple[int, Standing]]) -> None:
    """Moves probes on that had no result: (probe id, standing)."""
    if standings:
        cursor.executemany(_STANDING, [(*_standing(standing), probe_id) for probe_id, standing in standings])


def _standing(standing: Standing) -> tuple[Any, ...]:
    counts = (standing.failures, standing.successes, standing.slows)
    return (standing.state.value, time(standing.since), *counts, time(standing.streak_at))


def add_skipped(cursor: CursorWrapper, skipped: Iterable[tuple[int, int]]) -> None:
    """Counts runs that were left out: (probe id, how many)."""
    rows = [(count, probe_id) for probe_id, count in skipped]
    if rows:
        cursor.executemany("UPDATE health_probe SET skipped = skipped + %s WHERE id = %s", rows)


_SIGNATURE = (
    "SELECT (SELECT count(*) FROM health_probe), (SELECT max(id) FROM health_probe), (SELECT sum(revision) FROM health_probe),"
    " (SELECT count(*) FROM health_component), (SELECT max(id) FROM health_component),"
    " (SELECT sum(revision) FROM health_component), (SELECT count(*) FROM upstreams_upstream),"
    " (SELECT max(id) FROM upstreams_upstream), (SELECT sum(revision) FROM upstreams_upstream),"
    " (SELECT max(updated_at) FROM upstreams_upstream), (SELECT count(*) FROM health_maintenance),"
    " (SELECT max(id) FROM health_maintenance), (SELECT count(called_off_at) FROM health_maintenance)"
)


def signature(cursor: CursorWrapper) -> tuple[Any, ...]:
    """Something that differs as soon as anybody adds, changes or removes a probe, a component, an upstream or a maintenance."""
    cursor.execute(_SIGNATURE)
    row: tuple[Any, ...] = tuple(cursor.fetchone())
    return row


def data_version() -> int | None:
    """On SQLite, a number that grows when another connection commits; None elsewhere."""
    if connection.vendor != "sqlite":
        return None
    with connection.cursor() as cursor:
        cursor.execute("PRAGMA data_version")
        return int(cursor.fetchone()[0])


def time(moment: datetime | None) -> Any:
    """A time for a parameter."""
    if moment is None or connection.vendor != "sqlite":
        return moment
    return moment.astimezone(UTC).replace(tzinfo=None).isoformat(" ")


def read_time(value: Any) -> datetime | None:
    """A time from a column."""
    if value is None:
        return None
    at = value if isinstance(value, datetime) else datetime.fromisoformat(value)
    return at if at.tzinfo else at.replace(tzinfo=UTC)
