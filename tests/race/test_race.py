"""Two who edit the same fifty plans at once: whatever each wrote is there in the end, or in the history of a conflict.

A real Kinto, a real pump, and writers who leave a mark with each edit. `BREAKWATER_RACE_SECONDS=60` runs the full minute (with
`-s` its figures are shown), `BREAKWATER_RACE_SEED` repeats a run's draws; the machine's own timing stays its own.
"""

import asyncio
import json
import os
import threading
import time
from collections import Counter as Count
from collections.abc import Iterator
from dataclasses import dataclass, field
from random import Random
from secrets import randbelow
from typing import Any
from urllib.parse import urlsplit

import pytest
from django.db import connection
from django.db.models import F

from conflicts.actions.resolve import Resolution, resolve
from conflicts.core import merge
from conflicts.core.decisions import Decision
from conflicts.errors import AlreadyDecided, Moved
from conflicts.models import Conflict, Round
from conflicts.states import ConflictState
from portal.events.models import Event
from portal.kit import secrets
from portal.kit.viewer import Viewer
from resilience.breakers.runtime import Runtime
from resilience.outbound.client import Client
from resilience.upstreams.models import Upstream
from syncqueue.actions.retry_failed import retry_failed
from syncqueue.actions.verify import verify
from syncqueue.core import outgoing
from syncqueue.core.states import OPEN_BELOW
from syncqueue.figures import by_upstream, totals
from syncqueue.models import Attempt, Item
from syncqueue.pump import Pump
from tests.race.edits import marks, plan, twice
from tests.race.writers import Colleague, Device, Writer, plain
from tests.support import history
from tests.support.kinto import Kinto, running_kinto
from tests.support.people import make_people, make_upstream
from tests.support.proxy import Faults, running_proxy

pytestmark = [pytest.mark.crash, pytest.mark.sqlite_only]

PLANS = 50
SECONDS = float(os.environ.get("BREAKWATER_RACE_SECONDS", "6"))
DRAIN_SECONDS = 120
PAUSE = 0.01
FAULTS = Faults(resets=0.02, lost=0.06, unavailable=0.02)


@pytest.fixture
def seed() -> int:
    """What the draws of this run come from; printed with a failure."""
    seed = int(os.environ.get("BREAKWATER_RACE_SEED", randbelow(100_000)))
    print(f"BREAKWATER_RACE_SEED={seed}")
    return seed


@pytest.fixture
def kinto() -> Iterator[Kinto]:
    """A Kinto with the fifty plans."""
    with running_kinto() as running:
        for n in range(PLANS):
            running.put(f"p-{n}", plan(n))
        yield running


def entity_type(record: str) -> str:
    """Half of the plans go out with PUT, half with PATCH."""
    return "plan" if int(record[2:]) % 2 else "memo"


@dataclass
class Race:
    """A pump, writers, and somebody who settles what rules do not."""

    kinto: Kinto
    seed: int
    viewer: Viewer
    rng: Random = field(init=False)
    stop: threading.Event = field(default_factory=threading.Event)
    done: threading.Event = field(default_factory=threading.Event)
    resolved: int = 0
    overtaken: int = 0
    sides: Count[str] = field(default_factory=Count)
    retried: int = 0
    writers: list[Writer] = field(default_factory=list)
    error: BaseException | None = None

    def __post_init__(self) -> None:
        self.rng = Random(self.seed)

    def device(self, label: str, *, says_base: bool = True) -> None:
        """One who goes through Breakwater."""
        about = {"kinto": self.kinto, "viewer": self.viewer, "entity_type": entity_type, "says_base": says_base}
        self.writers.append(Device(label, self._records(), Random(self.rng.random()), self.stop, PAUSE, **about))

    def colleague(self, label: str) -> None:
        """One who writes to Kinto itself."""
        mine = Random(self.rng.random())
        self.writers.append(Colleague(label, self._records(), mine, self.stop, PAUSE, kinto=self.kinto))

    def _records(self) -> list[str]:
        return [f"p-{n}" for n in range(PLANS)]

    def run(self) -> None:
        """Let them write for the time of the race, and settle everything."""
        pump = threading.Thread(target=self._pump, name="pump")
        pump.start()
        try:
            for writer in self.writers:
                writer.start()
            end = time.monotonic() + SECONDS
            while time.monotonic() < end:
                self._decide()
                time.sleep(0.2)
            self.stop.set()
            for writer in self.writers:
                writer.join(30)
                assert writer.error is None, repr(writer.error)
            self._drain()
        finally:
            self.stop.set()
            self.done.set()
            pump.join(20)

    def _pump(self) -> None:
        async def work() -> None:
            async with Client(allowed_networks=["127.0.0.0/8"]) as client:
                alive = lambda: not self.done.is_set()  # noqa: E731
                await Pump(owner=breakers.owner, alive=alive, client=client, breakers=breakers).run()

        breakers = Runtime(owner="pump-0#1")
        breakers.start()
        try:
            asyncio.run(work())
        except BaseException as error:  # noqa: BLE001  # told by the main thread
            self.error = error
        finally:
            breakers.stop()
            connection.close()

    def _drain(self) -> None:
        deadline = time.monotonic() + DRAIN_SECONDS
        while Item.objects.unscoped().filter(state__lt=OPEN_BELOW).exists():
            self._decide()
            if self.error:
                raise self.error
            self.retried += retry_failed(viewer=self.viewer, reason="The line is bad.").retried
            assert time.monotonic() < deadline, f"Not done in time.\n{self.figures()}"
            time.sleep(0.1)

    def _decide(self) -> None:
        """Decides the conflicts that are open now, a side for each place, as chance has it."""
        for conflict in Conflict.objects.unscoped().filter(state=ConflictState.OPEN):
            base, local, remote = conflict.documents()
            asks = merge(base, local, remote, conflict.read_rules()).conflicts
            choices = {decision.id: self._choice(decision) for decision in asks}
            try:
                resolve(
                    viewer=self.viewer,
                    conflict_id=conflict.pk,
                    digest=conflict.digest,
                    resolution=Resolution(choices=choices),
                )
            except (AlreadyDecided, Moved):
                self.overtaken += 1
            else:
                self.resolved += 1

    def _choice(self, decision: Decision) -> Any:
        if decision.hunks:
            asks = {str(hunk.number): self.rng.choice(("local", "remote")) for hunk in decision.hunks if hunk.asks}
            self.sides.update(asks.values())
            return {"hunks": asks}
        side = self.rng.choice([side for side in ("local", "remote") if side in decision.options])
        self.sides[side] += 1
        return side

    def judge(self) -> None:
        """Nothing that anybody wrote is silently gone, and nothing stands twice."""
        final = {record: plain(self.kinto.get(record) or {}) for record in self._records()}
        told = self.figures()
        lost = self._lost(final)
        assert not lost, f"{len(lost)} edits are gone: {lost[:10]}\n{told}\n{self.dossier(lost[0].partition(':')[0])}"
        doubled = {record: twice(document) for record, document in final.items() if twice(document)}
        assert not doubled, f"Twice: {doubled}\n{told}"
        broken = self._broken_merges()
        assert not broken, f"{len(broken)} merges by rule lost something: {broken[:5]}\n{told}"
        assert verify(repair=False) == []
        print(told)

    def _lost(self, final: dict[str, Any]) -> list[str]:
        """The marks of edits that are neither in the final document, nor asked about, nor taken away by one who saw them."""
        lost = []
        asked = self._asked()
        removed: dict[str, set[str]] = {record: set() for record in final}
        made: dict[str, set[str]] = {record: marks(plan(int(record[2:]))) for record in final}
        for writer in self.writers:
            for edit in writer.edits:
                removed[edit.record] |= edit.removed
                made[edit.record] |= {edit.mark} if edit.mark else set()
        for record, document in final.items():
            here = marks(document)
            gone = made[record] - here - removed[record] - asked.get(record, set())
            lost += [f"{record}: {mark}" for mark in sorted(gone)]
        return lost

    def _asked(self) -> dict[str, set[str]]:
        """By record, what the history of the conflicts that a person was asked about shows as not taken."""
        found: dict[str, set[str]] = {}
        now = Conflict.objects.unscoped().exclude(resolved_by="", state__gt=ConflictState.OPEN)
        before = Round.objects.unscoped().exclude(resolved_by="").annotate(entity_id=F("conflict__entity_id"))
        for met in (*now, *before):
            only_one_side = marks(met.local) ^ marks(met.remote)
            found.setdefault(met.entity_id, set()).update(only_one_side - marks(met.result))
        return found

    def _broken_merges(self) -> list[str]:
        """Merges that rules settled alone and that lack something which a side had added."""
        broken = []
        for conflict in Conflict.objects.unscoped().filter(resolved_by=""):
            base, local, remote = (marks(text) for text in (conflict.base, conflict.local, conflict.remote))
            gone = ((local | remote) - base - marks(conflict.result)) if conflict.settled else set()
            broken += [f"{conflict.entity_id}: {sorted(gone)}"] if gone else []
        return broken

    def dossier(self, record: str) -> str:
        """All that happened to one record, for a person who has to find out why something is gone."""
        lines = [f"--- what happened to {record}"]
        for item in Item.objects.unscoped().filter(lane__entity_id=record).order_by("seq"):
            said = f"{item.seq} {item.client_id} on {item.base_version}{' with its base' if item.base else ''}"
            after = outgoing.load(item.outgoing)
            how = "merged" if after.merged else "with others" if after.joined else "as it is"
            state = f"{how}, {item.item_state.slug}"
            lines.append(f"{said}: {item.payload[:60]}… {sorted(marks(item.payload))[-3:]} {state}")
            for met in Conflict.objects.unscoped().filter(item_id=item.pk):
                base, local, remote, sent = (marks(text) for text in (met.base, met.local, met.remote, met.result))
                lines.append(
                    f"     met {met.remote_version}: local +{sorted(local - base)} -{sorted(base - local)},"
                    f" remote +{sorted(remote - base)} -{sorted(base - remote)},"
                    f" sent +{sorted(sent - remote)} -{sorted(remote - sent)}"
                    f" {'by ' + met.resolved_by if met.resolved_by else ''}"
                )
        before: set[str] = set()
        written = history.writes(
            self.kinto.server, self.kinto.bucket, user=self.kinto.user, password=self.kinto.password
        )
        for write in written[record]:
            now = marks(write.data)
            lines.append(f"kinto {write.data['last_modified']}: +{sorted(now - before)[-9:]} -{sorted(before - now)}")
            before = now
        return "\n".join(lines)

    def figures(self) -> str:
        """What happened, for people."""
        counts = totals(by_upstream(self.viewer))
        verbs = Count(Event.objects.unscoped().filter(verb__startswith="conflict.").values_list("verb", flat=True))
        attempts = Count(Attempt.objects.unscoped().values_list("outcome", flat=True))
        rounds = max(Conflict.objects.unscoped().values_list("rounds", flat=True), default=0)
        lines = [f"{writer.label}: {len(writer.edits)} edits" for writer in self.writers]
        lines += [
            f"items {counts['enqueued']}, of them joined to others {counts['coalesced']}, attempts {dict(attempts)}",
            f"merged by rule {counts['merged']}, events {dict(verbs)}, most rounds {rounds}",
            f"decided by a person {self.resolved} ({dict(self.sides)}), overtaken {self.overtaken}",
            f"synced {counts['synced']}, superseded {counts['superseded']}, open {counts['open']}, dead letters sent again {self.retried}",
        ]
        return "\n".join(lines)


@pytest.fixture
def race(transactional_db: None, kinto: Kinto, seed: int) -> Race:
    """Tidewater's plans-api is this Kinto; alice's devices write, and she decides."""
    people = make_people()
    route = {"path": kinto.path, "document": "data", "create": "PUT"}
    make_upstream(
        people.tidewater,
        address=kinto.server,
        credentials=secrets.encrypt(json.dumps(kinto.credentials)),
        in_flight_limit=16,
        routes={"plan": {**route, "update": "PUT"}, "memo": {**route, "update": "PATCH"}},
    )
    return Race(kinto, seed, people.viewer(people.alice))


@pytest.fixture
def bad_line(race: Race, kinto: Kinto, seed: int) -> Iterator[Race]:
    """The same, with a way to Kinto on which answers are lost."""
    with running_proxy(int(urlsplit(kinto.server).port or 0), FAULTS, seed=seed) as proxy:
        Upstream.objects.unscoped().update(address=f"http://127.0.0.1:{proxy.port}/v1")
        yield race


def test_a_device_and_somebody_at_the_upstream(race: Race) -> None:
    """One writes through Breakwater, the other to the upstream itself."""
    race.device("laptop")
    race.colleague("ilan")
    race.run()
    race.judge()


def test_two_devices(race: Race) -> None:
    """Two clients of Breakwater on the same versions, whose patches replace whole lists; one of them never says its base."""
    race.device("laptop")
    race.device("phone", says_base=False)
    race.run()
    race.judge()


def test_three_on_a_bad_line(bad_line: Race) -> None:
    """Two devices and somebody at the upstream, while answers are lost: a write that arrived unseen is told from the others' writes."""
    bad_line.device("laptop")
    bad_line.device("phone", says_base=False)
    bad_line.colleague("ilan")
    bad_line.run()
    bad_line.judge()
