"""How a database is copied while it is in use, and how a copy takes its place: SQLite and PostgreSQL."""

import os
import shutil
import sqlite3
import subprocess
from contextlib import closing
from pathlib import Path
from typing import Any, Protocol

from django.conf import settings
from django.db import connection, connections

from portal.kit.errors import Conflicting, Error


class CopyFailed(Error):
    """The database could not be copied. Nothing was changed."""


class Damaged(Error):
    """This backup is damaged or is none. Nothing was changed."""


class InUse(Conflicting):
    """Breakwater is running, so nothing was changed. Stop it, then try again."""


class Database(Protocol):
    """What backup and restore need of a database."""

    member: str

    def save(self, to: Path) -> None:
        """Writes a consistent copy of the present content, while others write."""

    def check(self, copy: Path) -> None:
        """Raises Damaged when the copy cannot be restored."""

    def replace(self, copy: Path, aside: Path) -> None:
        """Puts the copy in the place of the present content, which is kept in the folder `aside`."""


class Sqlite:
    """The file under BREAKWATER_HOME, copied by SQLite's own online backup."""

    member = "database.sqlite3"

    def __init__(self) -> None:
        self.path = Path(settings.DATABASES["default"]["NAME"])

    def save(self, to: Path) -> None:
        """A copy of one moment. Writers go on meanwhile."""
        with closing(sqlite3.connect(self.path, timeout=30)) as source, closing(sqlite3.connect(to)) as target:
            source.backup(target)
            target.execute("PRAGMA journal_mode=DELETE")  # one file, without a log beside it

    def check(self, copy: Path) -> None:
        """Reads all of it."""
        try:
            with closing(sqlite3.connect(f"file:{copy}?mode=ro", uri=True)) as link:
                told = link.execute("PRAGMA integrity_check").fetchone()[0]
        except sqlite3.DatabaseError as error:
            raise Damaged(str(error)) from error
        if told != "ok":
            raise Damaged(f"The database in it is not sound: {told}")

    def replace(self, copy: Path, aside: Path) -> None:
        """Moves the present file and its log away, then the copy in."""
        connections.close_all()
        users = who_has_open(self.path)
        if users:
            raise InUse("These processes have the database open: " + ", ".join(map(str, users)))
        for suffix in ("", "-wal", "-shm"):
            part = self.path.with_name(self.path.name + suffix)
            if part.exists():
                shutil.move(part, aside / part.name)
        shutil.copyfile(copy, self.path)
        self.path.chmod(0o600)


def who_has_open(path: Path) -> list[int]:
    """The ids of other processes that have this file open (of all that we may look into)."""
    real, me, found = str(path.resolve()), os.getpid(), []
    for process in Path("/proc").iterdir():
        if not process.name.isdigit() or int(process.name) == me:
            continue
        try:
            if any(str(link.readlink()) == real for link in (process / "fd").iterdir()):
                found.append(int(process.name))
        except OSError:  # it ended, or is another user's
            continue
    return found


class Postgres:
    """A database of PostgreSQL, copied by its own programs."""

    member = "database.dump"

    def save(self, to: Path) -> None:
        """A dump in PostgreSQL's own format."""
        self._run("pg_dump", "--format=custom", "--no-owner", "--no-privileges", f"--file={to}")

    def check(self, copy: Path) -> None:
        """Reads its list of contents."""
        try:
            self._run("pg_restore", "--list", str(copy), database=False)
        except CopyFailed as error:
            raise Damaged(error.detail) from error

    def replace(self, copy: Path, aside: Path) -> None:
        """Dumps the present content aside, then restores into an emptied schema, all in one transaction."""
        self.save(aside / self.member)
        with connection.cursor() as cursor:
            cursor.execute("SELECT current_schema()")
            schema = cursor.fetchone()[0]
            quoted = connection.ops.quote_name(schema)
            cursor.execute(f"DROP SCHEMA {quoted} CASCADE")
            cursor.execute(f"CREATE SCHEMA {quoted}")
        connections.close_all()
        try:
            self._run(
                "pg_restore", "--no-owner", "--no-privileges", "--exit-on-error", "--single-transaction", str(copy)
            )
        except CopyFailed as error:
            raise CopyFailed(f"{error.detail} The database is empty now; what was in it lies in {aside}.") from error

    def _run(self, program: str, *words: str, database: bool = True) -> None:
        """Runs one of PostgreSQL's programs against our database; the password goes by the environment, not the command line."""
        known: dict[str, Any] = settings.DATABASES["default"]
        environment = {**os.environ, "PGPASSWORD": str(known.get("PASSWORD", ""))}
        where = [f"--host={known['HOST']}"] if known.get("HOST") else []
        where += [f"--port={known['PORT']}"] if known.get("PORT") else []
        where += [f"--username={known['USER']}"] if known.get("USER") else []
        where.append(f"--dbname={known['NAME']}")
        command = [program, *(where if database else []), *words]
        try:
            done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
        except FileNotFoundError:
            raise CopyFailed(f"{program} is missing: install PostgreSQL's client programs.") from None
        if done.returncode:
            raise CopyFailed(f"{program} said: {done.stderr.strip()}")


def present() -> Database:
    """The database that this portal uses."""
    return Sqlite() if settings.SQLITE else Postgres()
