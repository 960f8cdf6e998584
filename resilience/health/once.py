"""Checks by hand, one at a time for each probe, whoever asks and wherever."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from django.conf import settings
from django.db import connection

_KEY = 0x48454C54 << 32
"""What these locks of PostgreSQL are told apart by from others."""


@contextmanager
def only_one(probe_id: int) -> Iterator[bool]:
    """Whether nobody else checks this probe now; nobody else will until the block ends."""
    if connection.vendor == "sqlite":
        with _file_lock(Path(settings.BREAKWATER_HOME) / "checks" / f"{probe_id}.lock") as ours:
            yield ours
        return
    key = _KEY + probe_id
    ours = _asked("SELECT pg_try_advisory_lock(%s)", key)
    try:
        yield ours
    finally:
        if ours:
            _asked("SELECT pg_advisory_unlock(%s)", key)


@contextmanager
def _file_lock(path: Path) -> Iterator[bool]:
    path.parent.mkdir(mode=0o700, exist_ok=True)
    handle = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            yield False
        else:
            yield True
    finally:
        os.close(handle)


def _asked(statement: str, key: int) -> bool:
    with connection.cursor() as cursor:
        cursor.execute(statement, [key])
        return bool(cursor.fetchone()[0])
