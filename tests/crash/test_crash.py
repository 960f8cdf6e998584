"""Nothing lost, nothing twice, nothing out of order: real processes, a real upstream, real faults, and SIGKILL.

5,000 changes over 500 entities go in by REST and out to a real Kinto through the fault proxy, while random processes of the
workers are killed ten times. Kinto's history tells what was really applied. `BREAKWATER_CRASH_SEED` repeats a run's draws
(which process, at which count); the machine's own timing stays its own.
"""

import os
import random
import secrets
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from tests.crash.changes import Change, changes, faults, joined_faults
from tests.crash.hosts import Hosts
from tests.support import history
from tests.support.kinto import Kinto, running_kinto
from tests.support.portal import Portal
from tests.support.postgres import running_postgres
from tests.support.proxy import Faults, RunningProxy, running_proxy

pytestmark = pytest.mark.crash
Compare = Callable[[Sequence[Change], Mapping[str, Sequence[history.Write]]], list[str]]
ENTITIES, EACH, LIST = 500, 10, 50
KILLS = 10
LIMIT_SECONDS = 300
QUICK = {"BREAKWATER_POLICY": str(Path(__file__).with_name("policy.yml"))}
EACH_BY_ITSELF = {**QUICK, "BREAKWATER_COALESCE": "0"}
"""The judgement looks for each single change at the upstream, which joining them would hide."""
FAULTS = Faults(resets=0.05, lost=0.05, unavailable=0.05, throttled=0.003)


@pytest.fixture
def seed() -> int:
    """What the draws of this run come from; printed with a failure."""
    seed = int(os.environ.get("BREAKWATER_CRASH_SEED", secrets.randbelow(100_000)))
    print(f"BREAKWATER_CRASH_SEED={seed}")
    return seed


@pytest.fixture
def kinto() -> Iterator[Kinto]:
    """A Kinto that nobody else writes to."""
    with running_kinto() as running:
        yield running


@pytest.fixture
def proxy(kinto: Kinto, seed: int) -> Iterator[RunningProxy]:
    """The way to it, on which things go wrong."""
    with running_proxy(int(urlsplit(kinto.server).port or 0), FAULTS, seed=seed) as running:
        yield running


@pytest.mark.sqlite_only
def test_one_host_on_sqlite(tmp_path: Path, kinto: Kinto, proxy: RunningProxy, seed: int) -> None:
    """Killed workers on SQLite lose, repeat and reorder nothing."""
    Run(Portal(tmp_path, settings=EACH_BY_ITSELF), ["host-a"], kinto, proxy, seed).judge()


@pytest.mark.postgres_only
def test_two_hosts_on_postgres(tmp_path: Path, kinto: Kinto, proxy: RunningProxy, seed: int) -> None:
    """Two hosts of workers on one PostgreSQL, killed, lose, repeat and reorder nothing."""
    with running_postgres() as server:
        Run(Portal(tmp_path, server.url(), EACH_BY_ITSELF), ["host-a", "host-b"], kinto, proxy, seed).judge()


@pytest.mark.sqlite_only
def test_joined_changes_on_sqlite(tmp_path: Path, kinto: Kinto, proxy: RunningProxy, seed: int) -> None:
    """With changes that go out together, fewer requests lead to the same documents, whoever is killed."""
    run = Run(
        Portal(tmp_path, settings=QUICK), ["host-a"], kinto, proxy, seed, entities=60, kills=3, compare=joined_faults
    )
    run.judge()
    assert sum(len(done) for done in run._writes().values()) < len(run.sent)


class Run:
    """One crash test from the first change to the judgement."""

    def __init__(
        self,
        portal: Portal,
        hosts: list[str],
        kinto: Kinto,
        proxy: RunningProxy,
        seed: int,
        *,
        entities: int = ENTITIES,
        kills: int = KILLS,
        compare: Compare = faults,
    ) -> None:
        self.portal, self.kinto, self.proxy = portal, kinto, proxy
        self.hosts = Hosts(portal, hosts)
        self.rng = random.Random(seed)
        self.compare = compare
        self.sent, self.kills = list(changes(entities, EACH)), kills
        self.deadline = time.monotonic() + LIMIT_SECONDS

    def judge(self) -> None:
        """Let everything happen, and compare what Kinto and the portal say with what was sent."""
        try:
            self._begin()
            self._kill_while_it_flows()
            retried = self._drain()
            found = self.compare(self.sent, self._writes())
            print(self._told(retried))
            assert not found, f"{len(found)} entities are wrong:\n" + "\n".join(found[:40]) + self._told(retried)
            self._ask_the_portal()
        finally:
            self.portal.close()

    def _begin(self) -> None:
        self.portal.first_steps()
        self.portal.start_web()
        self.portal.call("POST", "/upstreams", upstream(self.proxy.port, self.kinto))
        self.hosts.tend()

    def _kill_while_it_flows(self) -> None:
        """Send all changes in from another thread, and kill at ten marks of progress that lie all over the work."""
        intake = Intake(self.portal, self.sent)
        intake.start()
        marks = sorted(self.rng.sample(range(len(self.sent) * 9 // 10), self.kills))
        while marks or intake.is_alive():
            self._tick("while changes went in and processes were killed")
            if marks and self._done() >= marks[0]:
                del marks[0]
                time.sleep(self.rng.uniform(0, 0.3))
                self.hosts.kill_one(self.rng)
        intake.join()
        assert intake.error is None, intake.error

    def _drain(self) -> int:
        """Wait until nothing waits, retrying the dead letters; give how many those were."""
        retried = 0
        while True:
            self._tick("while the queue drained")
            states = self.portal.call("GET", "/queue/stats")["states"]
            if states["conflict"]:
                pytest.fail(
                    f"Nobody else writes, and yet there are conflicts.\n{self._told(retried)}\n{self._waiting()}"
                )
            if states["failed"]:
                retried += self.portal.call("POST", "/queue/retry-failed", {"reason": "crash test"})["retried"]
            elif not any(states[name] for name in ("queued", "retrying", "in_flight")):
                return retried
            time.sleep(0.4)

    def _ask_the_portal(self) -> None:
        stats = self.portal.call("GET", "/queue/stats")
        synced, joined = stats["states"]["synced"], stats["states"]["superseded"]
        assert {name for name, count in stats["states"].items() if count} <= {"synced", "superseded"}
        assert (synced + joined, joined) == (len(self.sent), stats["coalesced"])
        assert (stats["enqueued"], stats["delivered"], stats["open"]) == (len(self.sent), synced, 0)
        verified = self.portal.manage("queue", "verify")
        assert verified.returncode == 0, verified.stdout + verified.stderr

    def _tick(self, where: str) -> None:
        self.hosts.tend()
        time.sleep(0.1)
        if time.monotonic() > self.deadline:
            pytest.fail(f"Not done after {LIMIT_SECONDS} s, {where}.\n{self._told(0)}\n{self._waiting()}")

    def _done(self) -> int:
        """How many changes are upstream, by themselves or with others."""
        if self.portal.settings.get("BREAKWATER_COALESCE") == "0":
            return self.proxy.stats().get("written", 0)
        stats = self.portal.call("GET", "/queue/stats")
        return int(stats["delivered"] + stats["coalesced"])

    def _writes(self) -> dict[str, list[history.Write]]:
        kinto = self.kinto
        return history.writes(kinto.server, kinto.bucket, user=kinto.user, password=kinto.password)

    def _told(self, retried: int) -> str:
        killed = "\n  ".join(self.hosts.killed)
        return f"\nProxy: {self.proxy.stats()}\nDead letters retried: {retried}\nKilled:\n  {killed}"

    def _waiting(self) -> str:
        """What the portal says about itself, for a person who has to find out why it did not end."""
        parts = [str(self.portal.call("GET", "/queue/stats"))]
        for item in self.portal.call("GET", "/queue/items?state=open&page_size=10")["results"]:
            parts.append(str({key: item.get(key) for key in ("id", "state", "entity_id", "seq", "why")}))
        for log in sorted(self.portal.home.glob("*.log")):
            parts.append(f"--- {log.name}\n{log.read_text(errors='replace')[-2000:]}")
        return "\n".join(parts)


class Intake(threading.Thread):
    """Sends the changes in by REST, in lists; a list that got no answer is sent again, which its keys make harmless."""

    def __init__(self, portal: Portal, sent: list[Change]) -> None:
        super().__init__(name="intake", daemon=True)
        self.portal, self.sent = portal, sent
        self.error: BaseException | None = None

    def run(self) -> None:
        """Send all of them."""
        try:
            for start in range(0, len(self.sent), LIST):
                self.portal.call("POST", "/queue/items", [change.body() for change in self.sent[start : start + LIST]])
        except BaseException as error:  # noqa: BLE001  # told by the main thread
            self.error = error


def upstream(port: int, kinto: Kinto) -> dict[str, object]:
    """Return Kinto behind the proxy, as the REST API takes it: plans by PUT, memos by PATCH where it fits."""
    route = {"path": kinto.path, "document": "data", "create": "PUT"}
    return {
        "slug": "plans-api",
        "name": "Plans API",
        "address": f"http://127.0.0.1:{port}/v1",
        "credentials": kinto.credentials,
        "timeout": 10,
        "in_flight_limit": 20,
        "routes": {"plan": {**route, "update": "PUT"}, "memo": {**route, "update": "PATCH"}},
    }
