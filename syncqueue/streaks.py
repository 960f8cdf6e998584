"""The streaks' rows: read in each turn, locked and written only while an upstream fails in transport."""

import json
from collections.abc import Iterable, Mapping

from django.db.backends.utils import CursorWrapper

from syncqueue.store import Rows

Streaks = dict[int, tuple[str, ...]]


def read(cursor: CursorWrapper) -> Streaks:
    """The streaks that are not empty, by upstream."""
    cursor.execute("SELECT upstream_id, items FROM syncqueue_streak WHERE items <> '[]' ORDER BY upstream_id")
    return {upstream_id: tuple(json.loads(items)) for upstream_id, items in cursor.fetchall()}


def lock(cursor: CursorWrapper, rows: Rows, upstream_ids: Iterable[int]) -> Streaks:
    """The streaks of these upstreams, kept from other pumps until the transaction ends."""
    wanted = sorted(upstream_ids)
    how = "" if rows.sqlite else " FOR UPDATE"
    marks = ",".join(["%s"] * len(wanted))
    cursor.execute(
        f"SELECT upstream_id, items FROM syncqueue_streak WHERE upstream_id IN ({marks}) ORDER BY upstream_id{how}",
        wanted,
    )
    return {upstream_id: tuple(json.loads(items)) for upstream_id, items in cursor.fetchall()}


def write(cursor: CursorWrapper, streaks: Mapping[int, tuple[str, ...]]) -> None:
    """Writes changed streaks back."""
    if streaks:
        cursor.executemany(
            "UPDATE syncqueue_streak SET items = %s WHERE upstream_id = %s",
            [(json.dumps(items), upstream_id) for upstream_id, items in streaks.items()],
        )
