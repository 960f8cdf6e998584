"""What the description of the REST API of components and probes shows as examples."""

from typing import Any

NEW_COMPONENT: dict[str, Any] = {
    "slug": "user-store",
    "name": "User store",
    "importance": "high",
    "parent": "vpn",
    "run_book": "https://wiki.example.org/user-store",
}
COMPONENT: dict[str, Any] = {
    "id": 7,
    "organization": "tidewater",
    **NEW_COMPONENT,
    "upstream": None,
    "weighs": "high",
    "feeds_breaker": False,
    "state": "up",
    "since": "2026-11-21T02:31:00Z",
    "reason": "",
    "blamed_on": None,
    "probes": 1,
    "revision": 1,
    "created_at": "2026-11-20T09:00:00Z",
}
FRESH_COMPONENT = {**COMPONENT, "state": "none", "since": None, "probes": 0}
NEW_PROBE: dict[str, Any] = {
    "component": "user-store",
    "name": "answers queries",
    "kind": "postgresql",
    "address": "db.example.org:5432/users",
    "options": {"user": "breakwater"},
    "secret": {"password": "…"},
    "interval": 60,
    "slow_after_ms": 500,
}
PROBE: dict[str, Any] = {
    "id": 31,
    "organization": "tidewater",
    "component": "user-store",
    "name": "answers queries",
    "template": "",
    "values": {},
    "kind": "postgresql",
    "address": "db.example.org:5432/users",
    "options": {"user": "breakwater"},
    "secret": {"set_at": "2026-11-20T09:01:00Z"},
    "interval": 60.0,
    "timeout": 10.0,
    "slow_after_ms": 500,
    "failures_to_down": 3,
    "successes_to_up": 2,
    "enabled": True,
    "state": "up",
    "since": "2026-11-21T02:31:00Z",
    "failures": 0,
    "successes": 412,
    "last": {"at": "2026-11-21T03:11:52Z", "ok": True, "ms": 4.2, "error": ""},
    "revision": 1,
    "created_at": "2026-11-20T09:01:00Z",
}
FRESH_PROBE = {
    **PROBE,
    "state": "none",
    "since": None,
    "successes": 0,
    "last": {"at": None, "ok": None, "ms": None, "error": ""},
}
PAUSED_PROBE = {**PROBE, "enabled": False, "state": "none", "revision": 2}
OF_TEMPLATE: dict[str, Any] = {
    "component": "github",
    "template": "github-repository",
    "values": {"repository": "acme/shop", "token": "…"},
}
TEMPLATES: dict[str, Any] = {
    "results": [
        {
            "name": "github-repository",
            "title": "GitHub repository",
            "description": "Reads a repository, and says how many requests are left.",
            "fields": [
                {
                    "name": "repository",
                    "label": "Repository",
                    "hint": "",
                    "kind": "text",
                    "required": True,
                    "secret": False,
                    "example": "acme/shop",
                    "default": None,
                }
            ],
        }
    ]
}
CHECKED: dict[str, Any] = {
    "probe": 31,
    "at": "2026-11-21T03:12:02Z",
    "ok": True,
    "slow": False,
    "ms": 4.2,
    "error": "",
    "metadata": {"connect_ms": 2.9, "query_ms": 1.1},
    "state": "up",
    "counted": True,
    "blind": False,
}
