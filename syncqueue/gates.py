"""The gates' rows: read under lock, written back when a step changed them."""

import json
from collections.abc import Mapping
from typing import Any

from django.db.backends.utils import CursorWrapper

from syncqueue.core.gate import GateState
from syncqueue.store import Rows

_COLUMNS = "run, closed_since, closings, next_try_at, trial_until, delay_until, reason"


def read(cursor: CursorWrapper, rows: Rows, *, lock: bool = True) -> dict[int, GateState]:
    """The gate of each upstream; `lock` keeps other pumps from moving them until the transaction ends."""
    how = "" if rows.sqlite or not lock else " FOR UPDATE"
    cursor.execute(f"SELECT upstream_id, {_COLUMNS} FROM syncqueue_gate ORDER BY upstream_id{how}")
    return {row[0]: _state(rows, row[1:]) for row in cursor.fetchall()}


def _state(rows: Rows, row: tuple[Any, ...]) -> GateState:
    return GateState(
        run=tuple(json.loads(row[0])),
        closed_since=rows.read_time(row[1]),
        closings=row[2],
        next_try_at=rows.read_time(row[3]),
        trial_until=rows.read_time(row[4]),
        delay_until=rows.read_time(row[5]),
        reason=row[6],
    )


def write(cursor: CursorWrapper, rows: Rows, gates: Mapping[int, GateState]) -> None:
    """Writes changed gates back."""
    if not gates:
        return
    cursor.executemany(
        "UPDATE syncqueue_gate SET run = %s, closed_since = %s, closings = %s, next_try_at = %s, trial_until = %s,"
        " delay_until = %s, reason = %s WHERE upstream_id = %s",
        [
            (
                json.dumps(gate.run),
                rows.time(gate.closed_since),
                gate.closings,
                rows.time(gate.next_try_at),
                rows.time(gate.trial_until),
                rows.time(gate.delay_until),
                gate.reason[:500],
                upstream_id,
            )
            for upstream_id, gate in gates.items()
        ],
    )
