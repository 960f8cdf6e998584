"""A thousand streams of health at one web process: how soon the last of them hears, what each costs, and what a stream saves.

The web process is the portal's own. Clients are a hundred people, ten streams each, half of them by a token and half by a session, in four
different sets of organizations; they are plain sockets on loopback in the bench's process. `python -m tests.bench.health.streams` fills
the portal of its environment and then obeys words from its standard input; a change is a component's state with its event in one
transaction, as the prober writes it, and its time is that of the commit (the machine's monotonic clock, which processes share).
"""

import asyncio
import json
import resource
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from statistics import median
from typing import Any

import django
import psycopg

from tests.support.portal import ROOT, Portal
from tests.support.postgres import running_postgres
from tests.support.processes import cpu_seconds

CLIENTS, PEOPLE, COMPONENTS = 1_000, 100, 20
EARLY = 8
CHANGES = 15
APART = 0.4
IDLE = 30.0
AIM_MS, AIM_KB = 500, 30
FILES = 4_096
STREAM, MESSAGES = "/api/health/stream", "/api/v1/live/messages"
RATES = (0, 12, 60, 240)
QUIET, DRAWN = (
    300,
    60,
)  # seconds between two fragments of a page to which messages come, and of one with charts (static/js/live.js)


class Client(asyncio.Protocol):
    """One stream: how many bytes came, and when the last change was heard."""

    def __init__(self, credential: str) -> None:
        self.credential = credential
        self.status = b""
        self.came = 0
        self.begun = asyncio.get_running_loop().create_future()
        self.heard = asyncio.get_running_loop().create_future()
        self.tail = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Ask."""
        assert isinstance(transport, asyncio.WriteTransport)
        ask = f"GET {STREAM} HTTP/1.1\r\nHost: 127.0.0.1\r\n{self.credential}\r\n\r\n"
        transport.write(ask.encode())

    def data_received(self, data: bytes) -> None:
        """Look for the first message, and for the next change."""
        self.status = self.status or data[:12]
        self.came += len(data)
        seen, self.tail = self.tail + data, data[-20:]
        if b'"snapshot":true' in seen and not self.begun.done():
            self.begun.set_result(time.monotonic())
        if b'"moves":{' in seen and not self.heard.done():
            self.heard.set_result(time.monotonic())

    def again(self) -> None:
        """Wait for another change."""
        self.tail = b""
        self.heard = asyncio.get_running_loop().create_future()


@dataclass(frozen=True, slots=True)
class Crowd:
    """What the crowd met: milliseconds from commit to the first, the middle and the last client, for each change."""

    opened: float
    refused: int
    heard: list[tuple[float, float, float]]
    kilobytes: float
    threads: int
    connections: int
    per_cent: float
    bytes_opening: float
    bytes_change: float
    bytes_minute: float


def measure(portal: Portal) -> tuple[Crowd, dict[str, Any]]:
    """Start the web process, let the crowd come, tell it of changes; and fetch what a page would have to poll."""
    raise_limit()
    portal.first_steps()
    with _helper(portal) as (say, people):
        web = portal.start_web()
        crowd = asyncio.run(_meet(portal, web.pid, say, people))
        return crowd, _polled(portal, people[0])


def raise_limit() -> None:
    """Allow this process and its children the sockets that a crowd takes."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, min(hard, FILES)), hard))


async def _meet(portal: Portal, web: int, say: Any, people: Sequence[str]) -> Crowd:
    loop = asyncio.get_running_loop()
    first = [
        await _open(loop, portal.port, person) for person in people[:EARLY]
    ]  # what all share is there before it is measured
    before, begun = _status(web, "VmRSS"), time.monotonic()
    clients = [
        *first,
        *await asyncio.gather(*(_open(loop, portal.port, people[n % PEOPLE]) for n in range(CLIENTS - EARLY))),
    ]
    opened = time.monotonic() - begun
    each = (_status(web, "VmRSS") - before) / (CLIENTS - EARLY)
    opening = median(client.came for client in clients)
    heard, sizes = [], []
    for number in range(CHANGES):
        await asyncio.sleep(APART + number / CHANGES / 10)
        came = sum(client.came for client in clients)
        for client in clients:
            client.again()
        committed = float(await loop.run_in_executor(None, say, f"turn {number}"))
        times = sorted(1000 * (at - committed) for at in await asyncio.gather(*(client.heard for client in clients)))
        heard.append((times[0], median(times), times[-1]))
        sizes.append((sum(client.came for client in clients) - came) / CLIENTS)
    came, used, since = sum(client.came for client in clients), cpu_seconds([web]), time.monotonic()
    await asyncio.sleep(IDLE)
    took = time.monotonic() - since
    return Crowd(
        opened=opened,
        refused=sum(b"200" not in client.status for client in clients),
        heard=heard,
        kilobytes=each,
        threads=_status(web, "Threads"),
        connections=_connections(portal, web),
        per_cent=100 * (cpu_seconds([web]) - used) / took,
        bytes_opening=opening,
        bytes_change=median(sizes),
        bytes_minute=(sum(client.came for client in clients) - came) / CLIENTS / took * 60,
    )


async def _open(loop: asyncio.AbstractEventLoop, port: int, credential: str) -> Client:
    _transport, client = await loop.create_connection(lambda: Client(credential), "127.0.0.1", port)
    async with asyncio.timeout(60):
        await client.begun
    return client


def _status(pid: int, name: str) -> int:
    """Return a figure of a process: kilobytes, or a count."""
    return int(Path(f"/proc/{pid}/status").read_text().split(f"{name}:")[1].split()[0])


def _connections(portal: Portal, web: int) -> int:
    """Return how many connections to the database the web process has open."""
    if portal.database:
        with psycopg.connect(portal.database) as connection:
            asked = (
                "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
            )
            row = connection.execute(asked).fetchone()
            return int(row[0]) - 1 if row else 0  # one is the helper's
    links = (link for link in Path(f"/proc/{web}/fd").iterdir())
    return sum(str(link.readlink()).endswith((".sqlite3", ".db")) for link in links if link.exists())


def _polled(portal: Portal, credential: str) -> dict[str, Any]:
    """Return the bytes of an answer, head included, that a client without a stream asks for again and again."""
    last = json.loads(_get(portal, credential, MESSAGES)[1])["messages"][-1]["id"]
    return {
        "messages": sum(map(len, _get(portal, credential, f"{MESSAGES}?last_event_id={last}"))),
        "health": sum(map(len, _get(portal, credential, "/api/health"))),
    }


def _get(portal: Portal, credential: str, path: str) -> tuple[bytes, bytes]:
    request = urllib.request.Request(f"http://127.0.0.1:{portal.port}{path}")
    request.add_header(*credential.split(": ", 1))
    try:
        with urllib.request.urlopen(request, timeout=30) as answer:
            return bytes(answer.headers), answer.read()
    except urllib.error.HTTPError as answer:  # an unhealthy portal says so by its status, too
        return bytes(answer.headers), answer.read()


def told(crowd: Crowd, database: str) -> str:
    """Return the crowd's figures as lines, with the aims."""
    first, half, last = zip(*crowd.heard, strict=True)
    met = max(last) <= AIM_MS and crowd.kilobytes < AIM_KB and not crowd.refused
    crowd_said = f"{CLIENTS:,} streams of {PEOPLE} people opened in {crowd.opened:.1f} s, {crowd.refused} refused"
    heard = (
        f"a change is heard by the first after {median(first):.0f} ms, by half after {median(half):.0f} ms, by the last after"
        f" {median(last):.0f} ms (medians of {CHANGES}), worst {max(last):.0f} ms (aim {AIM_MS})"
    )
    costs = (
        f"{crowd.kilobytes:.1f} KB a stream (aim {AIM_KB}), {crowd.threads} threads, {crowd.connections} database connections,"
        f" {crowd.per_cent:.1f} % of a core in silence: {'met' if met else 'NOT MET'}"
    )
    return "\n".join(f"  {database:<11} {line}" for line in (crowd_said, heard, costs))


def saving(crowd: Crowd, polled: dict[str, Any]) -> str:
    """Return what a stream saves in an hour, for some rates of changes."""
    poll = polled["messages"]
    sizes = (
        f"  An hour of one reader: requests / kB. A stream takes {crowd.bytes_opening:,.0f} bytes to open,"
        f" {crowd.bytes_change:,.0f} a change, {crowd.bytes_minute:,.0f} a minute of silence;\n"
        f"  a poll that says nothing new {poll:,}, one of /api/health {polled['health']:,}."
    )
    head = (
        "  changes   a program's stream   polling each 30 s      each second                  "
        "a page   with charts   polling each 30 s   each second"
    )
    lines = [sizes, head]
    for rate in RATES:
        stream = (crowd.bytes_opening + 60 * crowd.bytes_minute + rate * crowd.bytes_change) / 1000
        page, charts = (1 + rate + 3600 // quiet for quiet in (QUIET, DRAWN))
        lines.append(
            f"  {rate:>7}   {f'1 / {stream:,.0f}':>18}   {f'120 / {120 * poll / 1000:,.0f}':>10} {_saved(1, 120):>6}"
            f"   {f'3,600 / {3600 * poll / 1000:,.0f}':>15} {_saved(1, 3_600):>6}"
            f"   {page:>9} {charts:>13}   {'120':>4} {_saved(page, 120):>6} {_saved(charts, 120):>6}   3,600 {_saved(page, 3_600):>6}"
        )
    return "\n".join(lines)


def _saved(mine: int, theirs: int) -> str:
    return f"{100 * (mine / theirs - 1):+.0f} %"


def run() -> None:
    """Measure on both databases and print the figures as they are."""
    print(f"{CLIENTS:,} streams at one web process", flush=True)
    with tempfile.TemporaryDirectory(prefix="breakwater-bench-") as directory:
        crowd, polled = measure(Portal(Path(directory)))
        print(told(crowd, "SQLite"), flush=True)
    with tempfile.TemporaryDirectory(prefix="breakwater-bench-") as directory, running_postgres(fsync=True) as server:
        print(told(measure(Portal(Path(directory), server.create_database("streams")))[0], "PostgreSQL"), flush=True)
    print(saving(crowd, polled), "\n", flush=True)


@contextmanager
def _helper(portal: Portal) -> Iterator[tuple[Any, list[str]]]:
    """Run this module in the portal's environment; give a way to make it obey, and the people's tokens."""
    command = [sys.executable, "-m", "tests.bench.health.streams"]
    process = subprocess.Popen(
        command, env=portal.env, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )

    def say(word: str) -> str:
        assert process.stdin
        assert process.stdout
        process.stdin.write(word + "\n")
        process.stdin.flush()
        return process.stdout.readline().strip()

    try:
        yield say, json.loads(say("fill"))
    finally:
        process.communicate("")
        portal.close()


def main() -> None:
    """Obey until the input ends."""
    django.setup()
    components: list[int] = []
    for line in sys.stdin:
        word, _, number = line.strip().partition(" ")
        if word == "fill":
            people, components = _fill()
            print(json.dumps(people), flush=True)
        else:
            print(_turn(components[int(number) % COMPONENTS], "down" if int(number) % 2 else "slow"), flush=True)


def _fill() -> tuple[list[str], list[int]]:
    """Make people, all in Tidewater and some in others too, with the header by which each signs in; and components."""
    from django.conf import settings  # noqa: PLC0415  # models need django.setup()
    from django.test import Client as Browser  # noqa: PLC0415

    from portal.accounts.models import User  # noqa: PLC0415
    from portal.kit import clock  # noqa: PLC0415
    from portal.kit.viewer import Role  # noqa: PLC0415
    from portal.tenancy.models import Membership, Organization, Token  # noqa: PLC0415
    from resilience.health.models import Component  # noqa: PLC0415

    home = Organization.objects.get(slug="tidewater")
    others = [Organization.objects.create(slug=f"pier-{n}", name=f"Pier {n}") for n in range(3)]
    people = []
    for number in range(PEOPLE):
        user = User.objects.create(username=f"person-{number}", password="!")
        places = [home, *others[: number // 2 % 4]]
        Membership.objects.bulk_create(
            Membership(user=user, organization=place, role=Role.VIEWER.value) for place in places
        )
        if number % 2:
            client = Browser()
            client.force_login(user)
            people.append(
                f"Cookie: {settings.SESSION_COOKIE_NAME}={client.cookies[settings.SESSION_COOKIE_NAME].value}"
            )
            continue
        secret = f"bw_{number:04}_bench_secret"
        digest = sha256(secret.encode()).hexdigest()
        Token.objects.create(
            organization=home, user=user, name="bench", prefix=secret[:12], digest=digest, scopes=["read"]
        )
        people.append(f"Authorization: Bearer {secret}")
    now = clock.now()
    made = [
        Component.objects.create(organization=home, slug=f"c{n}", name=f"C{n}", state="up", since=now)
        for n in range(COMPONENTS)
    ]
    return people, [component.pk for component in made]


def _turn(component: int, state: str) -> float:
    """Give a component another state as the prober does, and return when that was committed."""
    from django.db import transaction  # noqa: PLC0415  # models need django.setup()

    from portal.events.record import record  # noqa: PLC0415
    from portal.kit import clock  # noqa: PLC0415
    from resilience.health.models import Component  # noqa: PLC0415

    with transaction.atomic():
        found = Component.objects.unscoped().get(pk=component)
        data = {"component": found.slug, "upstream": None, "before": found.state, "reason": "The bench says so."}
        Component.objects.unscoped().filter(pk=component).update(state=state, since=clock.now())
        record(
            verb=f"health.{state}",
            subject=f"component:{component}",
            actor="breakwater",
            organization_id=found.organization_id,
            data=data,
        )
    return time.monotonic()


if __name__ == "__main__":
    main()
