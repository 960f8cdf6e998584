"""What the description of the REST API of outages and maintenance shows as examples."""

RECORD = {
    "component": "plans-api",
    "severity": "major",
    "cause": "The vendor replaces a disk.",
    "began_at": "2026-11-21T02:47:00Z",
    "expected_at": "2026-11-21T03:30:00Z",
    "expected_text": "Their status page says so.",
}
OUTAGE = {
    "id": 7,
    "component": "plans-api",
    "organization": "tidewater",
    "upstream": "plans-api",
    "severity": "major",
    "cause": "No answer in time.",
    "began_at": "2026-11-21T02:47:06Z",
    "noticed_at": "2026-11-21T02:48:06Z",
    "ended_at": None,
    "seconds": 1440.0,
    "opened_by": "",
    "closed_by": "",
    "because_of": None,
    "most_waiting": 125,
    "expected": {
        "source": "past",
        "at": "2026-11-21T03:30:06Z",
        "text": "",
        "low_seconds": 1500.0,
        "high_seconds": 3900.0,
        "of": 6,
        "overdue": False,
    },
    "run_book": "https://wiki.example.org/plans-api-is-down",
    "page": "/settings/health/outages/7",
}
NOTE = {
    "id": 12,
    "at": "2026-11-21T02:58:00Z",
    "author": "alice",
    "text": "The vendor knows and replaces a disk.",
}
IMPACT = {
    "label": "Waiting",
    "text": "125 changes in 61 lanes",
    "n": 125,
    "more": "none lost",
    "page": "/resilience/queue?upstream=plans-api",
}
_PERSON = {
    "source": "person",
    "at": "2026-11-21T03:30:00Z",
    "text": "Their status page says so.",
    "low_seconds": None,
    "high_seconds": None,
    "of": 0,
    "overdue": False,
}
WHOLE = {
    **OUTAGE,
    "cause": RECORD["cause"],
    "began_at": RECORD["began_at"],
    "opened_by": "alice",
    "expected": _PERSON,
    "notes": [NOTE],
    "impact": [IMPACT],
}
EXPECTED = {**WHOLE, "expected": {**_PERSON, "at": "2026-11-21T04:00:00Z"}}
OVER = {
    **WHOLE,
    "ended_at": "2026-11-21T03:22:00Z",
    "seconds": 2100.0,
    "closed_by": "alice",
    "notes": [{**NOTE, "id": 13, "at": "2026-11-21T03:22:00Z", "text": "The vendor replaced the disk."}, NOTE],
    "impact": [],
}

PLAN_ONCE = {
    "title": "Database upgrade",
    "component": "plans-api",
    "starts_at": "2026-11-22T02:00:00Z",
    "ends_at": "2026-11-22T04:00:00Z",
}
PLAN_WEEKLY = {
    "title": "Backup",
    "component": "plans-api",
    "schedule": "0 2 * * 1",
    "minutes": 90,
    "time_zone": "Europe/Berlin",
}
MAINTENANCE = {
    "id": 3,
    "organization": "tidewater",
    "component": "plans-api",
    "title": "Backup",
    "state": "planned",
    "starts_at": "2026-11-21T02:31:00Z",
    "ends_at": None,
    "schedule": "0 2 * * 1",
    "minutes": 90,
    "time_zone": "Europe/Berlin",
    "window": None,
    "next": [
        {"starts_at": "2026-11-23T01:00:00Z", "ends_at": "2026-11-23T02:30:00Z"},
        {"starts_at": "2026-11-30T01:00:00Z", "ends_at": "2026-11-30T02:30:00Z"},
        {"starts_at": "2026-12-07T01:00:00Z", "ends_at": "2026-12-07T02:30:00Z"},
    ],
    "created_by": "alice",
    "created_at": "2026-11-21T02:31:00Z",
    "called_off_at": None,
    "called_off_by": "",
}
CALLED_OFF = {
    **MAINTENANCE,
    "state": "called_off",
    "next": [],
    "called_off_at": "2026-11-22T09:12:00Z",
    "called_off_by": "alice",
}
ZONE = {"organization": "tidewater", "time_zone": "Europe/Berlin"}
