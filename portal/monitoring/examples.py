"""Answers as the API's description shows them."""

from typing import Any

BULKHEAD = {
    "name": "plans-api",
    "organization": "tidewater",
    "utilization": 0.25,
    "active": 2,
    "limit": 8,
    "executions": 48_211,
}
STORAGE = {
    "database": "postgresql",
    "freePercent": 64.5,
}
HEALTH: dict[str, Any] = {
    "status": "degraded",
    "score": 74,
    "trend": {"direction": "declining", "delta": -14.0, "spanSeconds": 1800.0},
    "parts": [
        {
            "name": "upstreams",
            "score": 60,
            "weight": 0.4,
            "unknown": 0,
            "losses": [{"reason": "down", "text": "Plans API down", "points": 16.0, "component": "plans-api"}],
        }
    ],
    "caps": [],
    "thresholds": {"healthy": 90, "degraded": 50},
    "network": {"score": 91, "answered": 1_204, "unanswered": 118},
    "backlog": 125,
    "states": {"none": 0, "maintenance": 1, "up": 3, "slow": 0, "down": 1},
    "fresh": True,
    "checkedAt": "2026-11-21T02:31:00Z",
    "circuitBreakers": {"total": 5, "open": 1, "halfOpen": 0},
    "bulkheads": [BULKHEAD],
    "issues": ["Plans API is down. Connection refused.", "125 changes wait, the oldest for 41 min."],
    "maintenance": [{"component": "billing", "organization": "tidewater", "until": "2026-11-21T04:00:00Z"}],
    "orgEnforcement": {"enforced": True, "stuck": 0, "byOrganization": {"tidewater": 0}},
    "analyticsIngestLagMs": 0,
    "offlineQueue": {
        "backlog": 125,
        "pendingAssignments": 4,
        "oldestSeconds": 2_470.2,
        "byOrganization": {"tidewater": {"backlog": 125, "pendingAssignments": 4}},
    },
    "storage": STORAGE,
}
DIAGNOSTICS: dict[str, Any] = {
    "at": "2026-11-21T02:31:00Z",
    "queue": {
        "states": {"queued": 120, "retrying": 3, "in_flight": 2, "failed": 1, "conflict": 2, "synced": 48_211},
        "open": 128,
        "waiting": 125,
        "enqueued": 48_339,
        "delivered": 48_211,
        "refused": 9,
        "retried": 512,
        "merged": 40,
        "coalesced": 311,
        "oldestSeconds": 2_470.2,
        "upstreams": [
            {
                "upstream": "plans-api",
                "organization": "tidewater",
                "waiting": 125,
                "failed": 1,
                "conflict": 2,
                "enqueued": 48_339,
                "delivered": 48_211,
                "retried": 512,
                "timedOut": 31,
                "oldestSeconds": 2_470.2,
            }
        ],
    },
    "breakers": [
        {
            "upstream": "plans-api",
            "organization": "tidewater",
            "state": "open",
            "forced": None,
            "since": "2026-11-21T01:50:00Z",
            "calls": {"success": 48_211, "failure": 512, "ignored": 4, "slow": 12, "rejected": 17},
            "changes": {"closed>open": 3, "half_open>closed": 2, "open>half_open": 9, "half_open>open": 6},
        }
    ],
    "bulkheads": [BULKHEAD],
    "retries": {"attempts": 512, "giveUps": 9},
    "timeouts": {"operations": 31},
    "probes": {
        "runs": 90_412,
        "failures": 611,
        "skipped": 0,
        "overdueSeconds": 0.0,
        "latencyMs": {"p50": 24.1, "p95": 81.0, "p99": 240.0},
        "each": [
            {
                "component": "plans-api",
                "organization": "tidewater",
                "probe": "answers",
                "enabled": True,
                "runs": 90_412,
                "failures": 611,
                "skipped": 0,
                "lastAt": "2026-11-21T02:30:48Z",
                "lastMs": 10_004.2,
                "overdueSeconds": 0.0,
                "latencyMs": {"p50": 24.1, "p95": 81.0, "p99": 240.0},
            }
        ],
    },
    "conflicts": {"open": 2, "total": 61, "merged": 40, "oldestSeconds": 640.0},
    "assignments": {"pending": 4, "stuck": 0},
    "analyticsIngestLagMs": 0,
    "workers": {
        "duties": [{"name": "pump-0", "running": True, "heartbeatAgeSeconds": 0.8}],
        "tasksWaiting": 0,
    },
    "storage": STORAGE,
}
