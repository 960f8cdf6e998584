"""PostgreSQL: a short-lived connection, and one question in a read-only transaction.

    address   host:port/database (5432 where no port is named), or postgresql://host:port/database
    options   user, query (one SELECT; SELECT 1 by itself), expect {"op", "value"} about the first value of its first row,
              sslmode (prefer), ca (PEM, for verify-ca and verify-full)
    secret    password

The address is resolved and judged here, and libpq is given the judged one. It takes nothing from the environment of the portal
(PGPASSWORD, ~/.pgpass, client certificates), which belongs to other servers.
"""

import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import psycopg
from django.utils.translation import gettext as _
from psycopg import sql

from portal.kit.errors import Fault
from resilience.health.core import expect
from resilience.health.targets import reach
from resilience.health.targets.base import Finding, Question, Tools, Value
from resilience.outbound.errors import ConnectFailed, OutboundError, TimedOut, TlsFailed

PORT = 5432
MODES = ("disable", "prefer", "require", "verify-ca", "verify-full")
KNOWN = frozenset(("user", "query", "expect", "sslmode", "ca"))
LONGEST_QUERY = 1_000
NO_FILE = "/dev/null/none"


class Postgresql:
    """Connects, asks, leaves."""

    def faults(self, address: str, options: Mapping[str, Any], secret: Mapping[str, Any]) -> Sequence[Fault]:
        """What is wrong with these."""
        wrong = reach.unknown_faults(options, KNOWN) + reach.unknown_faults(secret, frozenset(("password",)), "/secret")
        try:
            where(address)
        except ValueError as error:
            wrong.append(Fault("/address", str(error)))
        user = options.get("user")
        if not isinstance(user, str) or not 0 < len(user) <= 100 or "\0" in user:
            wrong.append(Fault("/options/user", _("This is the user to connect as.")))
        password = secret.get("password", "")
        if not isinstance(password, str) or len(password) > 1_000 or "\0" in password:
            wrong.append(Fault("/secret/password", _("This is a text.")))
        if options.get("sslmode", "prefer") not in MODES:
            wrong.append(Fault("/options/sslmode", _("The mode is one of %s.") % ", ".join(MODES)))
        if options.get("sslmode") == "verify-ca" and "ca" not in options:
            wrong.append(Fault("/options/ca", _("The mode verify-ca needs the authority's certificate.")))
        if why := query_fault(options.get("query", "SELECT 1")):
            wrong.append(Fault("/options/query", why))
        if "expect" in options:
            wanted = [{**options["expect"], "pointer": ""}] if isinstance(options["expect"], Mapping) else [None]
            found = expect.expectation_faults(wanted, "/options/expect")
            wrong += [Fault(fault.pointer.replace("/expect/0", "/expect"), fault.detail) for fault in found]
        return wrong + reach.trust_faults(options)

    def host(self, question: Question) -> str:
        """The host and port."""
        try:
            host, port, _database = where(question.address)
        except ValueError:
            return question.address
        return f"{host}:{port}"

    async def ask(self, question: Question, tools: Tools) -> Finding:
        """Connects to the first address that takes it, and asks once."""
        started = time.perf_counter()
        connection = await _connected(question, tools, started)
        try:
            connected = time.perf_counter()
            metadata: dict[str, Value] = {
                "connect_ms": round((connected - started) * 1_000, 2),
                "server": str(connection.info.parameter_status("server_version") or "")[:40],
            }
            try:
                value = await _value(connection, question)
            except psycopg.Error as failure:
                took = time.perf_counter() - started
                return Finding(False, took, f"The query failed: {_said(failure)}.", metadata)
            ended = time.perf_counter()
            metadata["query_ms"] = round((ended - connected) * 1_000, 2)
            error = ""
            if "query" in question.options:
                metadata["value"] = value if isinstance(value, str | int | float | bool | None) else str(value)[:100]
            if "expect" in question.options:
                shown = metadata.get("value", value)
                error = expect.unmet({**question.options["expect"], "pointer": ""}, shown)
            return Finding(not error, ended - started, error, metadata)
        finally:
            connection.pgconn.finish()


def where(address: str) -> tuple[str, int, str]:
    """Host, port and database of an address; raises ValueError with a sentence."""
    text = address.strip().removeprefix("postgresql://").removeprefix("postgres://")
    if "@" in text:
        raise ValueError(_("An address holds no user name or password; they have fields of their own."))
    server, _slash, database = text.partition("/")
    host, port = reach.place(server, PORT)
    if not database or len(database) > 100 or any(letter in database for letter in "/?\0"):
        raise ValueError(_("This is a host, a port and a database, such as db.example.org:5432/shop."))
    return host, port, database


def query_fault(query: Any) -> str:
    """Why this is not one SELECT; empty when it is."""
    if not isinstance(query, str) or not query.strip() or len(query) > LONGEST_QUERY or "\0" in query:
        return _("The query is a text of at most 1,000 characters.")
    if query.split(None, 1)[0].lower() not in ("select", "with", "values", "table"):
        return _("The query is one SELECT.")
    return _("The query is one SELECT, without a semicolon.") if ";" in query else ""


async def _connected(question: Question, tools: Tools, started: float) -> psycopg.AsyncConnection[Any]:
    host, port, database = where(question.address)
    failed: OutboundError = ConnectFailed()
    for info in await reach.addresses(host, port, tools):
        left = reach.remaining(started, question)
        with _authority(question.options) as root:
            try:
                return await psycopg.AsyncConnection.connect(
                    host=host,
                    hostaddr=info[4][0],
                    port=port,
                    dbname=database,
                    user=question.options["user"],
                    password=question.secret.get("password", ""),
                    passfile=NO_FILE,
                    sslmode=question.options.get("sslmode", "prefer"),
                    sslrootcert=root,
                    sslcert="",
                    sslkey="",
                    sslcertmode="disable",
                    gssencmode="disable",
                    target_session_attrs="any",
                    application_name="breakwater probe",
                    connect_timeout=max(2, int(left)),
                    options=f"-c statement_timeout={max(1, int(left * 1_000))} -c default_transaction_read_only=on",
                    client_encoding="utf8",
                    autocommit=True,
                )
            except psycopg.errors.ConnectionTimeout:
                raise TimedOut("while connecting", sent=False) from None
            except psycopg.OperationalError as error:
                failed = _not_connected(error, host)
    raise failed


async def _value(connection: psycopg.AsyncConnection[Any], question: Question) -> Any:
    """The first value of the first row. Within a sub-query there is room for a SELECT only, and for one row."""
    query = question.options.get("query", "SELECT 1").strip()
    async with connection.cursor() as cursor:
        await cursor.execute("BEGIN READ ONLY")
        whole = sql.SQL("SELECT * FROM ({}\n) AS asked LIMIT 1").format(sql.SQL(query))
        await cursor.execute(whole, binary=True)
        row = await cursor.fetchone()
        await cursor.execute("ROLLBACK")
    return row[0] if row else None


@contextmanager
def _authority(options: Mapping[str, Any]) -> Iterator[str]:
    """The file in which libpq finds whom to believe, while it connects; the system's own authorities only vouch for names."""
    if not options.get("sslmode", "prefer").startswith("verify-"):
        yield NO_FILE
    elif "ca" not in options:
        yield "system"
    else:
        with tempfile.NamedTemporaryFile("w", suffix=".pem", prefix="breakwater-") as file:
            file.write(options["ca"])
            file.flush()
            yield file.name


def _not_connected(error: psycopg.OperationalError, host: str) -> OutboundError:
    said = _said(error)
    low = said.lower()
    if "certificate" in low or "ssl" in low:
        return TlsFailed(said)
    if "timeout" in low or "timed out" in low:
        return TimedOut("while connecting", sent=False)
    return ConnectFailed(said.replace(f'"{host}"', host))


def _said(error: psycopg.Error) -> str:
    """The first line of what the server says, which names the user and never the password."""
    text = error.diag.message_primary or str(error).strip() or type(error).__name__
    line = text.splitlines()[0]
    return line.rpartition("failed: ")[2].removeprefix("FATAL:").strip().rstrip(".")[:200]
