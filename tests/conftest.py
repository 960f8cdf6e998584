"""What all tests share: the database to run on, and the fixed people.

SQLite by default; `BREAKWATER_TEST_DB=postgres pytest` runs the same tests on a throw-away PostgreSQL.
alice owns (admin of Tidewater), bob is a team mate (viewer of Tidewater), charlie is a stranger (admin of Northlight).
"""

import os
import tempfile
from collections.abc import Iterator
from datetime import UTC, datetime
from functools import cache
from pathlib import Path

import django
import hypothesis
import pytest

_home = tempfile.mkdtemp(prefix="breakwater-test-")
os.environ["BREAKWATER_HOME"] = _home
os.environ.pop("DATABASE_URL", None)
os.environ.setdefault("BREAKWATER_ALLOWED_NETWORKS", "127.0.0.0/8,::1/128")
Path(_home, "static").mkdir()

if os.environ.get("BREAKWATER_TEST_DB") == "postgres":
    from tests.support.postgres import session_database_url

    os.environ["DATABASE_URL"] = session_database_url()

# Here and not in pyproject.toml: pytest-django would read the settings before the lines above are run.
os.environ["DJANGO_SETTINGS_MODULE"] = "portal.settings"
django.setup()

from django.conf import settings  # noqa: E402
from django.db import connections  # noqa: E402
from django.test import TransactionTestCase  # noqa: E402

from portal.duties import registry  # noqa: E402
from portal.duties.models import ProcessingLock  # noqa: E402
from portal.events.actions.retain import deletable  # noqa: E402
from portal.kit import processes  # noqa: E402
from resilience.breakers import here  # noqa: E402

# Passwords cost nothing to hash, and pages find their files without a collected manifest. Set once and not by each test: a request that
# a closed page left behind would otherwise make the storage of the settings between two tests, and the next test would keep it.
settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
settings.STORAGES = {
    **settings.STORAGES,
    "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"},
}

if connections["default"].vendor == "sqlite":
    # A file: threads and processes meet in it as they do in real life, which a database in memory does not allow.
    connections["default"].settings_dict["TEST"]["NAME"] = str(Path(_home, "test.sqlite3"))


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leaves out what the other database alone can show, and puts what drives a browser last.

    Playwright keeps an event loop running in the main thread once it was started, in which no coroutine test can run any more.
    """
    other = "sqlite_only" if os.environ.get("BREAKWATER_TEST_DB") == "postgres" else "postgres_only"
    dropped = [item for item in items if item.get_closest_marker(other)]
    if dropped:
        config.hook.pytest_deselected(items=dropped)
    kept = [item for item in items if not item.get_closest_marker(other)]
    items[:] = sorted(kept, key=lambda item: "playwright" in getattr(item, "fixturenames", ()))


# Properties are held on machines of any speed: what is slow is seen by --durations, not by a failure.
hypothesis.settings.register_profile(
    "breakwater", deadline=None, suppress_health_check=[hypothesis.HealthCheck.too_slow]
)
hypothesis.settings.load_profile("breakwater")


@pytest.fixture(autouse=True)
def _fresh_breakers() -> None:
    """No test goes by what this process knew of another test's breakers."""
    here.runtime.cache_clear()


@pytest.fixture
def working(db: None) -> None:
    """Every duty is held, as while a worker runs."""
    for name in registry.names():
        assert ProcessingLock.objects.take(name, processes.myself())


KEPT = {"django_migrations", "django_content_type", "auth_permission", "events_eventretention"}


@pytest.fixture(scope="session", autouse=True)
def _empty_what_has_rows() -> Iterator[None]:
    """After a test with real transactions the tables that have rows are emptied, the log of events through retention's own switch.

    Django's flush empties all tables, whether they have rows or not, and makes the permissions anew: most of a second on PostgreSQL.
    """
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(TransactionTestCase, "_fixture_teardown", lambda case: _empty())
        yield


def _empty() -> None:
    connection = connections["default"]
    quoted = connection.ops.quote_name
    kept = [f"SELECT '{name}' WHERE EXISTS (SELECT 1 FROM {quoted(name)})" for name in _tables()]
    with deletable(before=datetime(9999, 12, 31, tzinfo=UTC)), connection.cursor() as cursor:
        cursor.execute(" UNION ALL ".join(kept))
        for (name,) in cursor.fetchall():
            cursor.execute(f"DELETE FROM {quoted(name)}")


@cache
def _tables() -> list[str]:
    """What tests fill."""
    return [name for name in connections["default"].introspection.django_table_names() if name not in KEPT]
