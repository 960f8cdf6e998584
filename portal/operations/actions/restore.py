"""Putting a backup in the place of what is there."""

import json
import shutil
import tarfile
import tempfile
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db import DatabaseError, connections

from portal.duties.actions.hold_back import held, locks_exist
from portal.kit import clock
from portal.operations.actions.backup import FORMAT, KEPT_FOLDERS, digest
from portal.operations.databases import Damaged, Database, InUse, present


def restore(*, source: Path) -> Path:
    """Puts the backup `source` in the place of database, keys and files; gives the folder in which the old ones are kept.

    1. unpacks and checks it: nothing is touched for a file that is damaged or comes from the other database;
    2. refuses while duties are held or somebody has the database open;
    3. moves what is there aside, and the backup in.

    Raises Damaged, InUse or CopyFailed.
    """
    home, database = Path(settings.BREAKWATER_HOME), present()
    with tempfile.TemporaryDirectory(dir=home, prefix=".restore-") as name:
        folder = Path(name)
        _unpack(source, folder)
        _check(folder, database)
        refuse_while_running()
        aside = home / f"before-restore-{clock.now():%Y%m%d-%H%M%S-%f}"
        aside.mkdir(mode=0o700)
        database.replace(folder / database.member, aside)
        for kept in KEPT_FOLDERS:
            if (folder / kept).is_dir():
                if (home / kept).exists():
                    shutil.move(home / kept, aside / kept)
                shutil.move(folder / kept, home / kept)
    return aside


def refuse_while_running() -> None:
    """Raises InUse when a duty is held. A database that cannot be asked holds none."""
    try:
        running = held() if locks_exist() else []
    except DatabaseError:
        running = []
    finally:
        connections.close_all()
    if running:
        raise InUse("These duties run: " + ", ".join(hold.owner for hold in running))


def _unpack(source: Path, folder: Path) -> None:
    try:
        with tarfile.open(source) as tar:
            tar.extractall(folder, filter="data")
    except (tarfile.TarError, EOFError, OSError) as error:
        raise Damaged(str(error)) from error


def _check(folder: Path, database: Database) -> None:
    try:
        manifest: dict[str, Any] = json.loads((folder / "manifest.json").read_text())
        if manifest["format"] != FORMAT:
            raise Damaged("It was written by another version of Breakwater.")
        if manifest["database"] != database.member:
            raise Damaged("It is of the other kind of database (SQLite or PostgreSQL).")
        if manifest["sha256"] != digest(folder / database.member):
            raise Damaged("The database in it is not what was written.")
    except (OSError, ValueError, KeyError) as error:
        raise Damaged(f"It lacks a part: {error}") from error
    database.check(folder / database.member)
