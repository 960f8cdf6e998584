"""The examples in the API's description. A test holds them against the schema, and against what the merge says."""

from typing import Any

DIGEST = "3f0c9a6c1c7b2f1e0a5d4b8897c6e5f4d3b2a1908f7e6d5c4b3a29180716f5e4"
DECISION = "8d1f0b6a2c4e7f90"
BASE: dict[str, Any] = {"title": "Harbour wall", "status": "draft", "owner": "Mira"}
LOCAL: dict[str, Any] = {"title": "Harbour wall, phase two", "status": "draft", "owner": "Mira"}
REMOTE: dict[str, Any] = {"title": "Harbour wall (north)", "status": "active", "owner": "Mira"}
RESULT: dict[str, Any] = {"title": "Harbour wall, phase two", "status": "active", "owner": "Mira"}
CHOICES: dict[str, Any] = {DECISION: "local"}
CONFLICT: dict[str, Any] = {
    "id": "0199a3f0-77aa-7b10-8c4e-3f1a2b4c5d6e",
    "state": "open",
    "item": "0199a3f0-5b1e-7cc0-8d4e-3f1a2b4c5d6e",
    "organization": "tidewater",
    "upstream": "plans-api",
    "kind": "plan_edit",
    "operation": "update",
    "entity_type": "plan",
    "entity_id": "p-1",
    "title": "Harbour wall",
    "behind": 2,
    "decision_count": 2,
    "ask_count": 1,
    "stale_count": 0,
    "digest": DIGEST,
    "base_known": True,
    "base_version": '"1763"',
    "remote_version": '"1771"',
    "local_by": "alice",
    "local_at": "2026-11-21T02:31:00Z",
    "remote_by": "Ines",
    "remote_at": "2026-11-21T03:08:12Z",
    "opened_at": "2026-11-21T03:12:40Z",
    "moved_at": None,
    "resolved_at": None,
    "resolved_by": "",
    "by_hand": False,
    "finished_at": None,
    "rounds": 0,
}
_TITLE: dict[str, Any] = {
    "id": DECISION,
    "path": "/title",
    "key": "",
    "kind": "value",
    "action": "conflict",
    "asks": True,
    "reason": "Both sides changed it differently.",
    "rule": "",
    "options": ["local", "remote", "base", "edit"],
    "missing": [],
    "base": BASE["title"],
    "local": LOCAL["title"],
    "remote": REMOTE["title"],
    "hunks": [],
}
_STATUS: dict[str, Any] = {
    "id": "51c2a9e07b3d4f68",
    "path": "/status",
    "key": "",
    "kind": "value",
    "action": "remote",
    "asks": False,
    "reason": "Changed at the upstream only.",
    "rule": "",
    "options": ["local", "remote", "base", "edit"],
    "missing": [],
    "base": "draft",
    "local": "draft",
    "remote": "active",
    "hunks": [],
}
WHOLE: dict[str, Any] = {
    **CONFLICT,
    "missing": ["result"],
    "base": BASE,
    "local": LOCAL,
    "remote": REMOTE,
    "settled": False,
    "rules": {"/**/status": {"value": "transitions", "allowed": {"draft": ["active"]}}},
    "decisions": [_TITLE, _STATUS],
    "choices": {},
    "undecided": [DECISION],
    "earlier": [],
}
DECIDED: dict[str, Any] = {
    **WHOLE,
    "state": "decided",
    "behind": 0,
    "missing": [],
    "result": RESULT,
    "settled": True,
    "choices": CHOICES,
    "undecided": [],
    "resolved_at": "2026-11-21T03:20:05Z",
    "resolved_by": "alice",
    "moved_at": "2026-11-21T03:17:31Z",
    "earlier": [
        {
            "number": 2,
            "ended_at": "2026-11-21T03:17:31Z",
            "resolved_by": "alice",
            "remote_version": '"1769"',
            "choices": CHOICES,
            "result": {**RESULT, "status": "draft"},
        }
    ],
}
PREVIEWED: dict[str, Any] = {
    "missing": False,
    "document": RESULT,
    "undecided": [],
    "discarded": [
        {
            "decision": DECISION,
            "path": "/title",
            "side": "remote",
            "hunk": None,
            "missing": False,
            "value": REMOTE["title"],
        }
    ],
    "faults": [],
}
