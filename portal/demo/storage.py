"""Kinto's memory storage, with each write kept in a SQLite file too, so that the demo's data outlive a restart."""

import json
import os
import sqlite3
from typing import Any

from kinto.core.storage.memory import Storage as MemoryStorage

_TABLES = """
CREATE TABLE IF NOT EXISTS object (parent TEXT, resource TEXT, id TEXT, body TEXT, deleted INTEGER, PRIMARY KEY (parent, resource, id));
CREATE TABLE IF NOT EXISTS stamp (parent TEXT, resource TEXT, value INTEGER, PRIMARY KEY (parent, resource));
"""


class Storage(MemoryStorage):  # type: ignore[misc]
    """What Kinto asks of a storage. Kinto runs with one thread here, so that one connection does."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        self._file = sqlite3.connect(os.environ["BREAKWATER_DEMO_STORE"], isolation_level=None, check_same_thread=False)
        self._file.executescript("PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL;" + _TABLES)
        super().__init__(*args, **kwargs)
        for parent, resource, key, body, deleted in self._file.execute("SELECT * FROM object"):
            (self._cemetery if deleted else self._store)[parent][resource][key] = json.loads(body)
        for parent, resource, value in self._file.execute("SELECT * FROM stamp"):
            self._timestamps[parent][resource] = value

    def create(self, resource_name: str, parent_id: str, obj: Any, **rest: Any) -> Any:
        """Makes an object."""
        made = super().create(resource_name, parent_id, obj, **rest)
        self._keep(resource_name, parent_id, made, deleted=False)
        return made

    def update(self, resource_name: str, parent_id: str, object_id: str, obj: Any, **rest: Any) -> Any:
        """Replaces an object."""
        made = super().update(resource_name, parent_id, object_id, obj, **rest)
        self._keep(resource_name, parent_id, made, deleted=False)
        return made

    def delete(self, resource_name: str, parent_id: str, object_id: str, **rest: Any) -> Any:
        """Leaves a tombstone."""
        gone = super().delete(resource_name, parent_id, object_id, **rest)
        self._keep(resource_name, parent_id, gone, deleted=True)
        return gone

    def _keep(self, resource: str, parent: str, obj: Any, *, deleted: bool) -> None:
        stamp = self._timestamps[parent].get(resource, 0)
        self._file.execute("BEGIN")
        row = (parent, resource, obj["id"], json.dumps(obj), deleted)
        self._file.execute("INSERT OR REPLACE INTO object VALUES (?, ?, ?, ?, ?)", row)
        self._file.execute("INSERT OR REPLACE INTO stamp VALUES (?, ?, ?)", (parent, resource, stamp))
        self._file.execute("COMMIT")


def load_from_config(_config: Any) -> Storage:
    """The storage, as Kinto asks for it."""
    return Storage()
