"""Three devices and two integrations that work on the demo's plans: about one change every two or three seconds, by REST with tokens."""

import json
import time
import urllib.error
import urllib.request
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from copy import deepcopy
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from random import Random
from typing import Any
from uuid import uuid4

from portal.demo import state
from portal.demo.cast import ORGANIZATIONS, SENDERS, Sender
from portal.demo.office import Look, Office
from portal.demo.plans import COMMENTS, IDEAS, REFUSED_PLAN, STATUS_NOTES, TOO_LONG_TITLE, Document
from portal.demo.stories import STORIES, Story, after, signed
from syncqueue.adapters.documents import make_patch

PAUSES = (1.6, 3.2)
FIRST_BURST = 40
KEPT_OFFLINE = 500
KEPT_COMMENTS = 40
KEPT_IDEAS = 5
STARTS_WITHIN = 60.0
OFFLINE_FOR = timedelta(minutes=12)
REFRESHES = 0.25
"""How often a device reads its plans anew before it edits one: seldom, so that its edits meet those of others."""
EVERYDAY_EDITS = 0.03
"""How often somebody at the upstream edits a plan, for each change of a device: about once in a minute and a half."""
NEXT_STATUS = {"draft": "active", "active": "in_review", "in_review": "done", "blocked": "active", "done": "active"}

Change = dict[str, Any]


@dataclass(slots=True)
class Copy:
    """A plan as a device has it: as it was read, at which version ("" when that is not known), and as its own edits made it."""

    base: Document
    version: str
    mine: Document


class Device:
    """One sender: edits its own copies of plans and keeps what it could not hand over yet, in order.

    `look` reads a plan and its version from the upstream, None when it cannot be reached. A device does so only now and then, and never
    while something of its own waits: it goes on with what it has, as one in a basement does, and says what its edits were made on.
    """

    def __init__(self, sender: Sender, plans: dict[str, Document], rng: Random, look: Look | None = None) -> None:
        self.sender = sender
        self.rng = rng
        self.look = look or (lambda _organization, _key: None)
        self.copies = {key: Copy(plans[key], "", deepcopy(plans[key])) for key in sender.plans}
        self.outbox: deque[Change] = deque(maxlen=KEPT_OFFLINE)
        self.made: dict[str, list[str]] = {"comment": [], "plan": []}

    def refresh(self, key: str) -> None:
        """Reads a plan anew."""
        found = self.look(self.sender.organization, key)
        if found is not None:
            self.copies[key] = Copy(found[0], found[1], deepcopy(found[0]))

    def act(self) -> None:
        """Does one thing that fits this sender."""
        what = self.rng.choices(list(self.sender.does), weights=list(self.sender.does.values()))[0]
        makers: dict[str, Callable[[], Change]] = {
            "step": self.step,
            "comment": self.comment,
            "idea": self.idea,
            "status": self.status,
        }
        self.keep(makers[what]())

    def keep(self, change: Change, *, ago: timedelta = timedelta()) -> None:
        """Puts a change into the outbox, with what makes it this one change for ever; it was made some time ago."""
        now = datetime.now(UTC) - ago
        self.outbox.append(
            {
                **change,
                "organization": self.sender.organization,
                "client_id": self.sender.client_id,
                "client_seq": int(now.timestamp() * 1000),
                "idempotency_key": str(uuid4()),
                "occurred_at": now.isoformat(),
            }
        )

    def step(self) -> Change:
        """Moves one microstep of a plan on."""
        key = self.rng.choice(list(self.copies))
        copy = self.copies[key]
        phases = deepcopy(copy.mine["phases"])
        phase = self.rng.choice(phases)
        step = self.rng.choice(phase["microsteps"])
        step["status"] = NEXT_STATUS.get(step["status"], "active")
        for criterion in step.get("acceptance_criteria", []):
            criterion["met"] = step["status"] == "done"
        done = {each["status"] for each in phase["microsteps"]} == {"done"}
        phase["status"] = "done" if done else "active"
        copy.mine["phases"] = phases
        return edit(key, {"phases": phases}, copy.base, copy.version)

    def comment(self) -> Change:
        """Writes a comment, or removes an old one when there are many."""
        if len(self.made["comment"]) >= KEPT_COMMENTS:
            return {
                "kind": "comment_add",
                "entity_type": "comment",
                "entity_id": self.made["comment"].pop(0),
                "operation": "delete",
            }
        key = f"comment-{uuid4().hex[:10]}"
        self.made["comment"].append(key)
        payload = {
            "plan": self.rng.choice(self.sender.plans),
            "author": self.sender.user,
            "text": self.rng.choice(COMMENTS),
        }
        return {
            "kind": "comment_add",
            "entity_type": "comment",
            "entity_id": key,
            "operation": "create",
            "payload": payload,
        }

    def idea(self) -> Change:
        """Proposes a new plan, or withdraws an old one when there are many."""
        if len(self.made["plan"]) >= KEPT_IDEAS:
            key = self.made["plan"].pop(0)
            return {"kind": "plan_edit", "entity_type": "plan", "entity_id": key, "operation": "delete"}
        title, summary = self.rng.choice(IDEAS)
        key = f"idea-{uuid4().hex[:8]}"
        self.made["plan"].append(key)
        payload = {"title": title, "summary": summary, "status": "draft", "owner": self.sender.user, "phases": []}
        return {"kind": "plan_edit", "entity_type": "plan", "entity_id": key, "operation": "create", "payload": payload}

    def status(self) -> Change:
        """Sets the status of a plan, as an integration does when something happened elsewhere."""
        payload = {
            "status": self.rng.choice(("active", "active", "in_review", "blocked")),
            "status_note": self.rng.choice(STATUS_NOTES),
            "status_changed_by": self.sender.client_id,
            "status_changed_at": datetime.now(UTC).isoformat(),
        }
        return {
            "kind": "status_change",
            "entity_type": "plan",
            "entity_id": self.rng.choice(self.sender.plans),
            "operation": "update",
            "payload": payload,
        }

    def hand_over(self, address: str, token: str, say: Callable[[str], None]) -> bool:
        """Sends what waits, the oldest first. False when the portal could not be reached; what was not taken stays."""
        while self.outbox:
            try:
                post(f"{address}/api/v1/queue/items", self.outbox[0], token)
            except urllib.error.HTTPError as error:
                with error:
                    if error.code >= 500 or error.code == 429:
                        return False
                    say(
                        f"{self.sender.client_id}: refused with {error.code}: {error.read(2000).decode(errors='replace')}"
                    )
            except OSError:
                return False
            self.outbox.popleft()
        return True


def edit(key: str, patch: Document, base: Document | None = None, version: str = "", kind: str = "plan_edit") -> Change:
    """An edit of a plan, with what it was made on where that is known."""
    known = {"base": base, "base_version": version} if version else {}
    about = {"kind": kind, "entity_type": "plan", "entity_id": key, "operation": "update"}
    return {**about, "payload": patch, **known}


def post(url: str, body: Change, token: str) -> None:
    """Sends one change. Raises OSError (HTTPError is one) when it was not taken."""
    request = urllib.request.Request(  # noqa: S310  # the portal's own address
        url,
        data=json.dumps(body).encode(),
        headers={"Authorization": f"Bearer {token}", "Content-Type": "application/json"},
    )
    with urllib.request.urlopen(request, timeout=10) as answer:  # noqa: S310
        answer.read()


def get(url: str, token: str) -> Any:
    """Reads from the portal. Raises OSError when it does not answer."""
    request = urllib.request.Request(url, headers={"Authorization": f"Bearer {token}"})  # noqa: S310  # the portal's own
    with urllib.request.urlopen(request, timeout=10) as answer:  # noqa: S310
        return json.load(answer)


def crew(rng: Random, look: Look | None = None) -> list[Device]:
    """All senders with their copies of the plans."""
    plans = {organization.slug: deepcopy(organization.plans) for organization in ORGANIZATIONS}
    return [Device(sender, plans[sender.organization], rng, look) for sender in SENDERS]


def first_day(devices: list[Device], rng: Random) -> None:
    """What happened before anybody looked: a busy morning, and one change that the upstream will refuse, with two behind it."""
    for _ in range(FIRST_BURST):
        rng.choice(devices).act()
    mira, theo = devices[:2]
    mira.keep(edit(REFUSED_PLAN, {"title": TOO_LONG_TITLE}))
    theo.keep(edit(REFUSED_PLAN, {"tags": ["legal", "finance"]}))
    mira.keep(edit(REFUSED_PLAN, {"summary": "Every contract, licence and service agreement with its end date."}))


def tell(story: Story, devices: Mapping[str, Device], office: Office, hand: Callable[[], None]) -> None:
    """A device edits what it had read before it went offline, and somebody at the upstream is faster. What came later waits behind.

    `hand` lets the devices hand over what they have. It is called for each change: one person's changes that wait side by side would
    go out as one, so others' stand between these.
    """
    device = devices[story.client_id]
    organization = device.sender.organization
    found = office.look(organization, story.plan)
    if found is None or not office.write(
        organization, story.plan, signed(after(found[0], story.there), story.author), found[1]
    ):
        return
    base, version = found
    device.keep(edit(story.plan, make_patch(base, after(base, story.here)), base, version), ago=OFFLINE_FOR)
    hand()
    for later in story.behind:
        patch = make_patch(base, after(base, later.edit))
        devices[later.client_id].keep(edit(story.plan, patch, base, version, later.kind))
        hand()


def run(address: str, say: Callable[[str], None], rng: Random) -> None:
    """Acts for ever. A portal that cannot be reached finds the changes waiting on their devices afterwards."""
    kept, office = state.read(), Office()
    devices = crew(rng, office.look)
    wait_for(lambda: office.look(SENDERS[0].organization, SENDERS[0].plans[0]) is not None)
    wait_for(lambda: answers(f"{address}/livez"))
    for device in devices:
        for key in device.copies:
            device.refresh(key)
    marker = state.folder() / "first-day"
    if not marker.exists():
        first_day(devices, rng)
        hand = partial(hand_over, devices, address, kept["tokens"], say)
        hand()
        for story in STORIES:
            tell(story, {device.sender.client_id: device for device in devices}, office, hand)
        marker.touch()
    weights = [sum(device.sender.does.values()) for device in devices]
    while True:
        hand_over(devices, address, kept["tokens"], say)
        time.sleep(rng.uniform(*PAUSES))
        device = rng.choices(devices, weights=weights)[0]
        if rng.random() < REFRESHES:
            catch_up(device, address, kept["tokens"])
        device.act()
        if rng.random() < EVERYDAY_EDITS:
            office.everyday_edit(rng)


def wait_for(there: Callable[[], bool]) -> None:
    """Returns when it is there, or after a while in any case: devices can do without."""
    end = time.monotonic() + STARTS_WITHIN
    while not there() and time.monotonic() < end:
        time.sleep(0.2)


def answers(url: str) -> bool:
    """Whether somebody answers there."""
    try:
        urllib.request.urlopen(url, timeout=2).close()  # noqa: S310  # the portal's own address
    except OSError:
        return False
    return True


def hand_over(devices: Sequence[Device], address: str, tokens: Mapping[str, str], say: Callable[[str], None]) -> None:
    """Every device sends what it has kept, as far as the portal takes it."""
    for device in devices:
        device.hand_over(address, tokens[device.sender.client_id], say)


def catch_up(device: Device, address: str, tokens: Mapping[str, str]) -> None:
    """A device reads its plans anew, but none in which something still waits."""
    if device.outbox:
        return
    with suppress(OSError):
        for key in device.copies:
            url = f"{address}/api/v1/queue/items?state=open&entity_type=plan&entity_id={key}&page_size=1"
            if not get(url, tokens[device.sender.client_id])["results"]:
                device.refresh(key)
