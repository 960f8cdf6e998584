"""What the demo's plans say beyond their phases: descriptions, comments, files. All of it is what two sides may edit at once."""

from typing import Any

_Said = tuple[str, str, str, str]


def _comments(*said: _Said) -> list[dict[str, Any]]:
    return [{"id": key, "author": author, "at": f"{at}:00Z", "text": text} for key, author, at, text in said]


def _file(key: str, name: str, size: int, at: str) -> dict[str, Any]:
    return {"id": key, "name": name, "size": size, "at": f"{at}:00Z"}


DETAILS: dict[str, dict[str, Any]] = {
    "onboarding-revamp": {
        "description": "The first week decides. New members see the tour once. The tour has five stops."
        " Old tokens keep working for 30 days.",
        "acceptance_criteria": [
            {"id": "AC-20", "text": "A new customer syncs within ten minutes, without a call.", "met": False},
            {"id": "AC-21", "text": "No legacy token works after cut-over.", "met": False},
        ],
        "comments": _comments(
            ("c-on-1", "theo", "2026-11-18T09:12", "Three of five gave up at the address field."),
            ("c-on-2", "mira", "2026-11-19T15:40", "The tour is in review, with five stops instead of nine."),
        ),
        "files": [_file("f-on-1", "first-sessions.pdf", 481_220, "2026-11-17T11:02")],
        "updated_by": "mira",
        "updated_at": "2026-11-20T17:40:00Z",
    },
    "webhook-retries": {
        "description": "Receivers go down at night and on release days. Whatever they missed reaches them afterwards."
        " Nobody has to ask for it.",
        "comments": _comments(("c-wr-1", "theo", "2026-11-19T08:25", "Backoff is capped at an hour, as agreed.")),
        "files": [],
    },
    "billing-export": {
        "description": "One file a month. It is made on the second working day. Finance checks totals, not rows.",
        "comments": _comments(("c-be-1", "mira", "2026-11-18T13:05", "October adds up to the cent.")),
        "files": [_file("f-be-1", "columns.xlsx", 18_432, "2026-11-12T10:00")],
    },
    "offline-field-app": {
        "description": "Basements have no network. A report is kept on the device until it is home. Photographs come last.",
        "comments": _comments(("c-of-1", "theo", "2026-11-17T16:48", "Two devices survived the drop test.")),
        "files": [],
    },
    "search-index": {
        "description": "The new index is filled beside the old one. Both answer for a week. Then one switch decides.",
        "comments": _comments(
            ("c-si-1", "mira", "2026-11-19T10:31", "Lag is at twelve seconds with yesterday's load.")
        ),
        "files": [],
    },
    "access-review": {
        "description": "Every owner confirms a list. What nobody confirms is removed. Removals can be undone for a week.",
        "comments": _comments(("c-ar-1", "theo", "2026-11-19T12:00", "Nine of eleven systems have an owner now.")),
        "files": [_file("f-ar-1", "owners.csv", 2_914, "2026-11-16T09:30")],
        "updated_by": "theo",
        "updated_at": "2026-11-19T12:00:00Z",
    },
    "vendor-contracts": {
        "description": "Legal wants one place. Every contract has an owner. Notice periods are known ninety days ahead.",
        "comments": [],
        "files": [],
    },
    "ward-handover": {
        "description": "Seven questions at each shift's end. Nobody reads them from paper. Nurses decide what stays.",
        "comments": _comments(("c-wh-1", "ada", "2026-11-18T21:10", "The night shift asks for larger type.")),
        "files": [],
    },
    "device-inventory": {
        "description": "Every pump has a label. A label is scanned at each move. Pumps without a check are set aside.",
        "comments": _comments(("c-di-1", "ada", "2026-11-17T07:55", "Ward 3 has two pumps more than its list.")),
        "files": [_file("f-di-1", "ward-3.csv", 1_120, "2026-11-17T07:50")],
        "updated_by": "ada",
        "updated_at": "2026-11-17T07:55:00Z",
    },
    "visitor-signs": {
        "description": "A visitor finds a bed without asking. Signs say where, never who. Each floor has one colour.",
        "comments": [],
        "files": [],
    },
}
