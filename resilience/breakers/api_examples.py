"""What the description of the breakers' REST API shows as examples."""

BREAKER = {
    "upstream": "plans-api",
    "organization": "tidewater",
    "policy": "api",
    "state": "open",
    "since": "2026-11-21T02:48:06Z",
    "opened_at": "2026-11-21T02:48:06Z",
    "tests_at": "2026-11-21T02:49:06Z",
    "openings": 1,
    "successes": 0,
    "reason": "5 failures in a row, the last: It answered 503",
    "opened_reason": "5 failures in a row, the last: It answered 503",
    "rejected": 412,
    "forced": None,
    "spared_until": None,
    "spared_reason": "",
    "window": {"processes": 2, "calls": 0, "failures": 0, "slow": 0, "consecutive": 0, "health_score": 25.0},
}
CLOSED = {
    **BREAKER,
    "state": "closed",
    "since": "2026-11-21T03:12:40Z",
    "opened_at": None,
    "tests_at": None,
    "openings": 0,
    "reason": "reset",
    "opened_reason": "",
    "rejected": 0,
}
WORD = {
    "how": "open",
    "by": "alice",
    "reason": "The vendor restores a backup.",
    "until": "2026-11-21T04:12:00Z",
}
FORCED = {**BREAKER, "reason": WORD["reason"], "tests_at": WORD["until"], "forced": WORD}
HELD_CLOSED = {**CLOSED, "reason": "Its probe lies.", "forced": {**WORD, "reason": "Its probe lies.", "how": "closed"}}
DISABLED = {**CLOSED, "reason": "A load test.", "forced": {**WORD, "reason": "A load test.", "how": "disabled"}}
WHOLE = {
    **BREAKER,
    "figures": [
        {"key": "circuit_breaker.failure_threshold", "value": 5, "unit": "calls", "source": "built in"},
        {"key": "circuit_breaker.cooldown_ms", "value": 60000, "unit": "ms", "source": "governance/policy.yml line 9"},
    ],
    "recent": [{"at": "2026-11-21T02:48:06Z", "seconds": 0.031, "verdict": "failure", "slow": False}],
}
TRANSITION = {
    "id": 18,
    "at": "2026-11-21T02:48:06Z",
    "before": "closed",
    "after": "open",
    "cause": "trip",
    "reason": "5 failures in a row, the last: It answered 503",
    "forced": "",
    "actor": "system",
    "process": "pump-0#1",
    "lasted": 90061.4,
    "rejected": 0,
    "window": {
        "calls": 96,
        "failures": 5,
        "slow": 0,
        "consecutive": 5,
        "in_window": None,
        "score": 94.8,
        "recent": [[1795229286.0, 0.031, "failure"]],
        "errors": [{"at": 1795229286.0, "type": "Told", "code": "503", "text": "It answered 503"}],
    },
}
FORCE = {"reason": "The vendor restores a backup.", "until": "2026-11-21T04:12:00Z"}
TESTED = {"ok": True, "sentence": "Plans API answered in 12 ms (200).", "status": 200, "seconds": 0.012}
