"""Probes of PostgreSQL, against a real one, whatever database the portal itself stands on."""

from collections.abc import Iterator
from typing import Any

import psycopg
import pytest

from resilience.health.targets import registry
from resilience.health.targets.base import Question, Tools
from resilience.health.targets.run import run
from tests.support.postgres import Postgres, running_postgres
from tests.support.tcp import for_ever, listener, never

pytestmark = pytest.mark.plain


@pytest.fixture(scope="module")
def server() -> Iterator[Postgres]:
    """A server with one table, one sequence, and a user with a password."""
    with running_postgres(max_connections=20) as running:
        with psycopg.connect(running.url(), autocommit=True) as connection:
            connection.execute("CREATE TABLE orders (id int)")
            connection.execute("INSERT INTO orders SELECT generate_series(1, 3)")
            connection.execute("CREATE SEQUENCE numbers")
        yield running


def asks(server: Postgres, timeout: float = 5.0, database: str = "postgres", **options: Any) -> Question:
    """A question to the server."""
    address = f"127.0.0.1:{server.port}/{database}"
    return Question("postgresql", address, {"user": "postgres", **options}, {"password": "p-4711"}, timeout)


async def test_it_answers(tools: Tools, server: Postgres) -> None:
    """The time to connect and the time of the query are both kept, with the server's version and no value."""
    found = await run(asks(server), tools)
    assert found.ok, found
    assert set(found.metadata) == {"connect_ms", "query_ms", "server"}
    assert found.seconds * 1_000 >= float(str(found.metadata["connect_ms"]))


@pytest.mark.parametrize(
    ("expected", "error"),
    [
        (None, ""),
        ({"op": "at-least", "value": 3}, ""),
        ({"op": "at-most", "value": 2}, "The answer is 3, not at most 2."),
    ],
)
async def test_a_question_of_ones_own(tools: Tools, server: Postgres, expected: Any, error: str) -> None:
    """The first value of the first row is kept, and held against what is expected."""
    options = {"query": "SELECT count(*) FROM orders -- all"} | ({"expect": expected} if expected else {})
    assert registry.faults("postgresql", "x/y", {"user": "a", **options}, {}) == []
    found = await run(asks(server, **options), tools)
    assert found.error == error
    assert found.metadata["value"] == 3


@pytest.mark.parametrize(
    "query",
    [
        "SELECT nextval('numbers')",
        "WITH gone AS (DELETE FROM orders RETURNING id) SELECT * FROM gone",
        "SELECT 1) AS a; DELETE FROM orders; SELECT * FROM (SELECT 1",
        "SELECT 1) AS a; SET default_transaction_read_only = off; COMMIT; DELETE FROM orders; SELECT * FROM (SELECT 1",
        "SELECT set_config('transaction_read_only', 'off', true), nextval('numbers')",
        "DELETE FROM orders",
    ],
)
async def test_nothing_is_written(tools: Tools, server: Postgres, query: str) -> None:
    """Whatever a query tries, nothing is changed: also where it was never checked when it was saved."""
    found = await run(asks(server, query=query), tools)
    assert not found.ok
    assert found.error.startswith("The query failed: ")
    with psycopg.connect(server.url()) as connection:
        row = connection.execute("SELECT (SELECT count(*) FROM orders), (SELECT is_called FROM numbers)").fetchone()
    assert row == (3, False)


async def test_a_slow_query(tools: Tools, server: Postgres) -> None:
    """The server itself ends a query that takes too long, and the connection is closed."""
    found = await run(asks(server, timeout=0.5, query="SELECT pg_sleep(20)"), tools)
    assert not found.ok
    assert found.seconds < 1.5
    with psycopg.connect(server.url()) as connection:
        row = connection.execute(
            "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'breakwater probe' AND state = 'active'"
        ).fetchone()
    assert row == (0,)


async def test_a_long_answer(tools: Tools, server: Postgres) -> None:
    """Of many rows one is fetched, and of a long value 200 characters are kept."""
    found = await run(asks(server, query="SELECT repeat('x', 100000) FROM generate_series(1, 10000000)"), tools)
    assert found.ok, found
    assert len(str(found.metadata["value"])) == 200


async def test_no_such_database(tools: Tools, server: Postgres) -> None:
    """What the server says is the error, without the password."""
    found = await run(asks(server, database="nowhere"), tools)
    assert found.error.startswith('Database "nowhere" does not exist')
    assert "p-4711" not in found.error
    assert not found.transport


async def test_the_portals_own_secrets_stay(tools: Tools, server: Postgres, monkeypatch: pytest.MonkeyPatch) -> None:
    """What the portal's environment says of its own database is not used for others."""
    monkeypatch.setenv("PGHOSTADDR", "203.0.113.1")
    monkeypatch.setenv("PGSSLMODE", "verify-full")
    monkeypatch.setenv("PGOPTIONS", "-c nonsense=1")
    monkeypatch.setenv("PGTARGETSESSIONATTRS", "standby")
    assert (await run(asks(server), tools)).ok


async def test_no_server(tools: Tools) -> None:
    """A server that is silent is given up in time; one that is none, or is closed, at once."""
    async with listener(never) as port:
        silent = await run(Question("postgresql", f"127.0.0.1:{port}/x", {"user": "a"}, timeout=0.5), tools)
    async with listener(for_ever(b"x" * 4_096)) as port:
        other = await run(Question("postgresql", f"127.0.0.1:{port}/x", {"user": "a"}, timeout=2), tools)
    closed = await run(Question("postgresql", f"127.0.0.1:{port}/x", {"user": "a"}, timeout=2), tools)
    assert (silent.ok, silent.transport) == (False, True)
    assert silent.seconds < 1.5
    assert not other.ok
    assert "onnection refused" in closed.error
    assert not closed.transport


async def test_no_encryption_where_it_is_wanted(tools: Tools, server: Postgres) -> None:
    """A server without TLS does not do where TLS is required."""
    found = await run(asks(server, sslmode="require"), tools)
    assert not found.ok
    assert "secure connection" in found.error


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "10.1.2.3", "[::1]"])
async def test_private_addresses(shut: Tools, server: Postgres, host: str) -> None:
    """The guard judges the address that libpq is given."""
    found = await run(Question("postgresql", f"{host}:{server.port}/postgres", {"user": "postgres"}), shut)
    assert "not allowed" in found.error


@pytest.mark.parametrize(
    ("address", "options", "secret", "pointer"),
    [
        ("x:5432", {}, {}, "/address"),
        ("postgresql://a:b@x/y", {}, {}, "/address"),
        ("/var/run/postgresql", {}, {}, "/address"),
        ("x/y?host=/tmp", {}, {}, "/address"),
        ("x/y", {"user": ""}, {}, "/options/user"),
        ("x/y", {"sslmode": "allow"}, {}, "/options/sslmode"),
        ("x/y", {"sslmode": "verify-ca"}, {}, "/options/ca"),
        ("x/y", {"query": "DELETE FROM a"}, {}, "/options/query"),
        ("x/y", {"query": "SELECT 1; SELECT 2"}, {}, "/options/query"),
        ("x/y", {"expect": {"op": "equals"}}, {}, "/options/expect/value"),
        ("x/y", {"expect": 3}, {}, "/options/expect"),
        ("x/y", {"options": "-c x"}, {}, "/options/options"),
        ("x/y", {}, {"password": 3}, "/secret/password"),
    ],
)
def test_faults(address: str, options: dict[str, Any], secret: dict[str, Any], pointer: str) -> None:
    """What cannot be asked is refused, and the place is named."""
    found = registry.faults("postgresql", address, {"user": "a", **options}, secret)
    assert [fault.pointer for fault in found] == [pointer]
