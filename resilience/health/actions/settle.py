"""Writing down what probes found: results, how each probe stands after them, and what became of its component.

    1. the holding of the duty is still ours, and stays so until the commit (by hand: nobody holds anything);
    2. the components that may change are locked, then the probes, each in the order of their ids, and judged from what their rows say
       now, so that results by hand and results of the prober never undo each other's counting;
    3. results are appended and probes moved on;
    4. each change of a probe is a flip, and its component is held against all that is known of it (reassess.py).

A result of settings that were changed meanwhile is dropped. A blind one is kept and judges nothing.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from django.db import connection, transaction
from django.utils.translation import gettext as _

from portal.kit import clock
from resilience.health import store
from resilience.health.actions.reassess import reassess
from resilience.health.core.judge import Change, Standing, forgotten, judge, speaks_against
from resilience.health.core.states import State
from resilience.health.core.status import is_stale
from resilience.health.models import Flip
from resilience.health.store import Fence, Judged, Ran


class NotOurs(Exception):
    """The duty is somebody else's by now: nothing was written."""


@dataclass(slots=True)
class Settled:
    """What came of it: how the probes stand that had results, and which changed."""

    standings: dict[int, Standing] = field(default_factory=dict)
    changed: set[int] = field(default_factory=set)


@dataclass(slots=True)
class _Turn:
    now: datetime
    probes: Mapping[int, Judged]
    settled: Settled = field(default_factory=Settled)
    flips: list[Flip] = field(default_factory=list)
    changes: dict[int, list[Change]] = field(default_factory=dict)


def settle(
    runs: Sequence[Ran],
    *,
    maintained: Collection[int] = (),
    skipped: Mapping[int, int] | None = None,
    fence: Fence | None = None,
    now: datetime | None = None,
) -> Settled:
    """How the probes stand after these runs, in one transaction. `maintained` are components whose maintenance is now.

    Raises NotOurs when the duty of `fence` was taken over.
    """
    with transaction.atomic(), connection.cursor() as cursor:
        if fence is not None and not store.is_held(cursor, fence):
            raise NotOurs
        seen = store.look(cursor, (ran.probe_id for ran in runs))
        store.lock_components(cursor, (seen[ran.probe_id][0] for ran in runs if _may_change(seen, ran)))
        turn = _Turn(now or clock.now(), store.lock_probes(cursor, seen))
        written = [one for ran in runs if (one := _judge(turn, ran, maintained))]
        store.write_runs(cursor, written)
        store.add_skipped(cursor, (skipped or {}).items())
        _finish(turn, maintained)
    return turn.settled


def forget(
    probes: Mapping[int, tuple[datetime | None, str]],
    *,
    maintained: Collection[int] = (),
    fence: Fence | None = None,
    now: datetime | None = None,
) -> Settled:
    """Nothing is known any more of these probes, as (when something was known for the last time, why), where it is still so.

    None for the moment means that nobody asks it any more. Raises NotOurs as `settle` does.
    """
    with transaction.atomic(), connection.cursor() as cursor:
        if fence is not None and not store.is_held(cursor, fence):
            raise NotOurs
        seen = store.look(cursor, probes)
        store.lock_components(cursor, (component_id for component_id, _state in seen.values()))
        turn = _Turn(now or clock.now(), store.lock_probes(cursor, seen))
        moved = []
        for probe_id, (known_at, why) in probes.items():
            probe = turn.probes.get(probe_id)
            if probe is None or not _is_forgotten(probe, known_at, turn.now):
                continue
            began = turn.now if known_at is None else known_at + timedelta(seconds=probe.interval)
            standing, change = forgotten(probe.standing, max(began, probe.standing.since or began))
            turn.settled.standings[probe_id] = standing
            if change is not None:
                moved.append((probe_id, standing))
                _note(turn, probe, change, why)
        store.write_standings(cursor, moved)
        _finish(turn, maintained)
    return turn.settled


def _may_change(seen: Mapping[int, tuple[int, State]], ran: Ran) -> bool:
    known = seen.get(ran.probe_id)
    return known is not None and not ran.blind and speaks_against(known[1], ok=ran.ok, slow=ran.slow)


def _is_forgotten(probe: Judged, known_at: datetime | None, now: datetime) -> bool:
    """Whether it is still so: a check by hand may have found something meanwhile."""
    if not probe.standing.state.known:
        return False
    return known_at is None or is_stale(probe.interval, known_at, now)


def _judge(turn: _Turn, ran: Ran, maintained: Collection[int]) -> tuple[Ran, Standing, bool] | None:
    probe = turn.probes.get(ran.probe_id)
    if probe is None or probe.revision != ran.revision:
        return None
    standing = turn.settled.standings.get(ran.probe_id, probe.standing)
    change = None
    if not ran.blind:
        standing, change = judge(
            standing, ok=ran.ok, slow=ran.slow, at=ran.at, down_after=probe.down_after, up_after=probe.up_after
        )
    turn.settled.standings[ran.probe_id] = standing
    if change is not None:
        _note(turn, probe, change, _reason(change, ran))
    return ran, standing, probe.component_id in maintained


def _note(turn: _Turn, probe: Judged, change: Change, reason: str) -> None:
    turn.settled.changed.add(probe.probe_id)
    turn.changes.setdefault(probe.component_id, []).append(change)
    turn.flips.append(
        Flip(
            component_id=probe.component_id,
            probe_id=probe.probe_id,
            at=change.at,
            noticed_at=turn.now,
            before=change.before.value,
            after=change.after.value,
            reason=reason[:300],
        )
    )


def _reason(change: Change, ran: Ran) -> str:
    if change.after is State.DOWN:
        return ran.error
    if change.after is State.SLOW:
        return ran.error or _("answered after %d ms") % ran.ms
    return ""


def _finish(turn: _Turn, maintained: Iterable[int]) -> None:
    if turn.flips:
        Flip.objects.bulk_create(turn.flips)
        reassess(turn.changes, changes=turn.changes, maintained=maintained, now=turn.now)
