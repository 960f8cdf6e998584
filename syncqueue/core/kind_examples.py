"""Three documents for trying out the merge rules of a kind: what a telling conflict looks like. Plain data."""

from collections.abc import Mapping
from typing import Any

Example = tuple[Any, Any, Any]
"""Base, local and remote."""

_STEPS = [
    {"id": "m-1", "title": "Survey the wall", "status": "done"},
    {"id": "m-2", "title": "Order the stone", "status": "active", "notes": "Ask two quarries. Granite only."},
]
_PLAN: dict[str, Any] = {
    "title": "Harbour wall",
    "status": "draft",
    "description": "The north side is worn. The stone comes by barge. It has to be done by May.",
    "tags": ["harbour"],
    "phases": [{"id": "f-1", "title": "Prepare", "microsteps": _STEPS}],
    "comments": [{"id": "c-1", "author": "Mira", "text": "Start in spring?", "at": "2026-11-20T09:00:00Z"}],
    "updated_at": "2026-11-20T09:00:00Z",
}
_PLAN_LOCAL: dict[str, Any] = {
    **_PLAN,
    "title": "Harbour wall, phase two",
    "description": "The north side is worn badly. The stone comes by barge. It has to be done by May.",
    "tags": ["harbour", "stone"],
    "phases": [{"id": "f-1", "title": "Prepare", "microsteps": [_STEPS[0], {**_STEPS[1], "status": "done"}]}],
    "comments": [*_PLAN["comments"], {"id": "c-2", "text": "In May.", "at": "2026-11-21T02:31:00Z"}],
    "updated_at": "2026-11-21T02:31:00Z",
}
_PLAN_REMOTE: dict[str, Any] = {
    **_PLAN,
    "title": "Harbour wall (north)",
    "status": "active",
    "description": "The north side is worn. The stone comes by barge. It has to be done by June.",
    "phases": [
        {
            "id": "f-1",
            "title": "Prepare",
            "microsteps": [
                {**_STEPS[0], "title": "Survey the north wall"},
                {**_STEPS[1], "notes": "Ask three quarries. Granite only."},
            ],
        }
    ],
    "comments": [*_PLAN["comments"], {"id": "c-3", "text": "The tide decides.", "at": "2026-11-20T17:40:00Z"}],
    "updated_at": "2026-11-20T17:40:00Z",
}
_PLANS: Example = (_PLAN, _PLAN_LOCAL, _PLAN_REMOTE)
_PROGRESS = {"user": "u-7", "course": "safety", "lesson": "ropes", "percent": 40, "completed": False}

EXAMPLES: Mapping[str, Example] = {
    "plan_edit": _PLANS,
    "status_change": _PLANS,
    "comment_add": (
        {"id": "c-1", "text": "Start in spring?", "author": "Mira"},
        {"id": "c-1", "text": "Start in May?", "author": "Mira"},
        {"id": "c-1", "text": "Start in June?", "author": "Mira", "at": "2026-11-20T17:40:00Z"},
    ),
    "progress": (_PROGRESS, {**_PROGRESS, "percent": 55}, {**_PROGRESS, "percent": 70, "lesson": "knots"}),
    "assignment": (
        {"person": "p-3", "course": "safety", "note": "Before the season"},
        {"person": "p-3", "course": "safety", "note": "Before May", "due": "2027-05-01"},
        {"person": "p-3", "course": "safety", "note": "Before the season starts"},
    ),
}
_ANY: Example = (
    {"id": "x-1", "title": "Old", "count": 1, "tags": ["a", "b"]},
    {"id": "x-1", "title": "Ours", "count": 2, "tags": ["a", "b", "c"]},
    {"id": "x-1", "title": "Theirs", "count": 4, "tags": ["b"]},
)


def example(kind: str) -> Example:
    """The example for a kind; a general one for kinds that have none of their own."""
    return EXAMPLES.get(kind, _ANY)
