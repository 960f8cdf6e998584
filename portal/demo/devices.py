"""Three devices and two integrations that work on the demo's plans: about one change every two or three seconds, by REST with tokens."""

import json
import time
import urllib.error
import urllib.request
from collections import deque
from collections.abc import Callable
from copy import deepcopy
from datetime import UTC, datetime
from random import Random
from typing import Any
from uuid import uuid4

from portal.demo import state
from portal.demo.cast import ORGANIZATIONS, SENDERS, Sender
from portal.demo.plans import COMMENTS, IDEAS, REFUSED_PLAN, STATUS_NOTES, TOO_LONG_TITLE, Document

PAUSES = (1.6, 3.2)
FIRST_BURST = 40
KEPT_OFFLINE = 500
KEPT_COMMENTS = 40
KEPT_IDEAS = 5
NEXT_STATUS = {"draft": "active", "active": "in_review", "in_review": "done", "blocked": "active", "done": "active"}

Change = dict[str, Any]


class Device:
    """One sender: edits its own copies of plans and keeps what it could not hand over yet, in order."""

    def __init__(self, sender: Sender, plans: dict[str, Document], rng: Random) -> None:
        self.sender = sender
        self.plans = {key: plans[key] for key in sender.plans}
        self.rng = rng
        self.outbox: deque[Change] = deque(maxlen=KEPT_OFFLINE)
        self.made: dict[str, list[str]] = {"comment": [], "plan": []}

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

    def keep(self, change: Change) -> None:
        """Puts a change into the outbox, with what makes it this one change for ever."""
        now = datetime.now(UTC)
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
        key = self.rng.choice(list(self.plans))
        phases = deepcopy(self.plans[key]["phases"])
        phase = self.rng.choice(phases)
        step = self.rng.choice(phase["microsteps"])
        step["status"] = NEXT_STATUS.get(step["status"], "active")
        for criterion in step.get("acceptance_criteria", []):
            criterion["met"] = step["status"] == "done"
        done = {each["status"] for each in phase["microsteps"]} == {"done"}
        phase["status"] = "done" if done else "active"
        self.plans[key]["phases"] = phases
        return {
            "kind": "plan_edit",
            "entity_type": "plan",
            "entity_id": key,
            "operation": "update",
            "payload": {"phases": phases},
        }

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


def post(url: str, body: Change, token: str) -> None:
    """Sends one change. Raises OSError (HTTPError is one) when it was not taken."""
    request = urllib.request.Request(  # noqa: S310  # the portal's own address
        url,
        data=json.dumps(body).encode(),
        headers={"Authorization": f"Bearer {token}", "Content-Type": "application/json"},
    )
    with urllib.request.urlopen(request, timeout=10) as answer:  # noqa: S310
        answer.read()


def crew(rng: Random) -> list[Device]:
    """All senders with their copies of the plans."""
    plans = {organization.slug: deepcopy(organization.plans) for organization in ORGANIZATIONS}
    return [Device(sender, plans[sender.organization], rng) for sender in SENDERS]


def first_day(devices: list[Device], rng: Random) -> None:
    """What happened before anybody looked: a busy morning, and one change that the upstream will refuse, with two behind it."""
    for _ in range(FIRST_BURST):
        rng.choice(devices).act()
    plan = {"kind": "plan_edit", "entity_type": "plan", "entity_id": REFUSED_PLAN, "operation": "update"}
    devices[0].keep({**plan, "payload": {"title": TOO_LONG_TITLE}})
    devices[0].keep(
        {**plan, "payload": {"summary": "Every contract, licence and service agreement with its end date."}}
    )
    devices[1].keep({**plan, "payload": {"tags": ["legal", "finance"]}})


def run(address: str, say: Callable[[str], None], rng: Random) -> None:
    """Acts for ever. A portal that cannot be reached finds the changes waiting on their devices afterwards."""
    kept = state.read()
    devices = crew(rng)
    marker = state.folder() / "first-day"
    if not marker.exists():
        first_day(devices, rng)
        marker.touch()
    weights = [sum(device.sender.does.values()) for device in devices]
    while True:
        for device in devices:
            device.hand_over(address, kept["tokens"][device.sender.client_id], say)
        time.sleep(rng.uniform(*PAUSES))
        rng.choices(devices, weights=weights)[0].act()
