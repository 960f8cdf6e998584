"""The examples in the API's description. A test holds them against the schema."""

from typing import Any

CHANGE: dict[str, Any] = {
    "upstream": "plans-api",
    "kind": "plan_edit",
    "entity_type": "plan",
    "entity_id": "p-1",
    "operation": "update",
    "payload": {"title": "Harbour wall, phase two"},
    "base_version": '"1763"',
    "project": "web",
    "client_id": "laptop-7",
    "client_seq": 41,
    "occurred_at": "2026-11-21T02:31:00Z",
    "idempotency_key": "laptop-7-41",
}
DELETE: dict[str, Any] = {"upstream": "plans-api", "kind": "plan_edit", "entity_id": "p-2", "operation": "delete"}
ITEM: dict[str, Any] = {
    "id": "0199a3f0-5b1e-7cc0-8d4e-3f1a2b4c5d6e",
    "state": "queued",
    "why": "Behind 2 items of the same plan.",
    "organization": "tidewater",
    "upstream": "plans-api",
    "project": "web",
    "kind": "plan_edit",
    "operation": "update",
    "form": "merge-patch",
    "entity_type": "plan",
    "entity_id": "p-1",
    "title": "Harbour wall, phase two",
    "seq": 12,
    "actor": "alice",
    "assigned_by": "alice",
    "client_id": "laptop-7",
    "client_seq": 41,
    "txn": "",
    "occurred_at": "2026-11-21T02:31:00Z",
    "idempotency_key": "laptop-7-41",
    "base_version": '"1763"',
    "created_at": "2026-11-21T03:12:40Z",
    "finished_at": None,
    "next_attempt_at": None,
    "attempts": 0,
    "requests": 0,
    "outcome_unknown": False,
    "code": "",
    "reason": "",
}
CANCELLED: dict[str, Any] = {
    **ITEM,
    "state": "cancelled",
    "why": "Cancelled, not sent.",
    "finished_at": "2026-11-21T03:14:02Z",
}
FAILED: dict[str, Any] = {
    **ITEM,
    "state": "failed",
    "why": "plans-api refused this (422): unknown cost centre CC-410.",
    "attempts": 1,
    "requests": 1,
    "code": "rejected",
    "reason": "plans-api refused this (422): unknown cost centre CC-410.",
}
WHOLE: dict[str, Any] = {
    **ITEM,
    "payload": {"title": "Harbour wall, phase two"},
    "base": None,
    "remote": None,
    "remote_version": "",
    "lane": {
        "state": "ready",
        "depth": 3,
        "head": "0199a3ef-11aa-7d10-9a51-0c5c54a1f1aa",
        "ahead": 2,
        "version": '"1763"',
        "held_by": "",
        "held_reason": "",
    },
    "history": [],
}
STATS: dict[str, Any] = {
    "states": {
        "conflict": 1,
        "failed": 3,
        "in_flight": 4,
        "retrying": 2,
        "queued": 148,
        "synced": 24310,
        "superseded": 12,
        "cancelled": 5,
    },
    "open": 158,
    "waiting": 154,
    "enqueued": 24485,
    "delivered": 24310,
    "refused": 3,
    "retried": 61,
    "upstreams": [
        {
            "organization": "tidewater",
            "upstream": "plans-api",
            "waiting": 154,
            "failed": 3,
            "conflict": 1,
            "delivered": 24310,
            "paused": False,
            "out": False,
        }
    ],
}
