"""The kinds that Breakwater brings along: plans and their parts, files, triggers, learning progress, assignments."""

from typing import Any

from syncqueue.core.kinds import Kind, joined, routed, text_of

STATUSES = ("draft", "active", "blocked", "in_review", "done", "archived")


def _text(most: int, least: int = 0, **more: Any) -> dict[str, Any]:
    return (
        {"type": "string", "minLength": least, "maxLength": most, **more}
        if least
        else {"type": "string", "maxLength": most, **more}
    )


def _object(required: tuple[str, ...], properties: dict[str, Any], *, more: bool = False) -> dict[str, Any]:
    return {"type": "object", "required": list(required), "properties": properties, "additionalProperties": more}


_ID = _text(255, 1)
_NAME = _text(200, 1)
_LONG = _text(200_000)
_MOMENT = {"type": "string", "format": "date-time"}
_STATUS = {"enum": list(STATUSES)}
_SHA256 = {"type": "string", "pattern": "^[0-9a-f]{64}$"}

_CRITERION = _object(("id", "text"), {"id": _ID, "text": _text(2_000, 1), "met": {"type": "boolean"}}, more=True)
_MICROSTEP = _object(
    ("id", "title"),
    {
        "id": _ID,
        "title": _NAME,
        "status": _STATUS,
        "notes": _LONG,
        "assignee": _text(150),
        "acceptance_criteria": {"type": "array", "items": _CRITERION, "maxItems": 500},
    },
    more=True,
)
_PHASE = _object(
    ("id", "title"),
    {
        "id": _ID,
        "title": _NAME,
        "status": _STATUS,
        "microsteps": {"type": "array", "items": _MICROSTEP, "maxItems": 2_000},
    },
    more=True,
)
_COMMENT = _object(
    ("id", "text"), {"id": _ID, "author": _text(150), "text": _text(20_000, 1), "at": _MOMENT}, more=True
)
_FILE = _object(
    ("id", "name"),
    {"id": _ID, "name": _text(255, 1), "size": {"type": "integer", "minimum": 0}, "sha256": _SHA256},
    more=True,
)

PLAN = _object(
    ("title",),
    {
        "id": _ID,
        "title": _NAME,
        "summary": _text(2_000),
        "description": _LONG,
        "status": _STATUS,
        "owner": _text(150),
        "due": {"type": "string", "format": "date"},
        "tags": {"type": "array", "items": _text(64, 1), "maxItems": 100, "uniqueItems": True},
        "phases": {"type": "array", "items": _PHASE, "maxItems": 500},
        "comments": {"type": "array", "items": _COMMENT, "maxItems": 10_000},
        "files": {"type": "array", "items": _FILE, "maxItems": 10_000},
    },
    more=True,
)
"""A plan: phases of microsteps with acceptance criteria. Fields that are not named here are kept as they are."""

_BY_ID = {"list": "key", "key": "id", "structure": "ask"}
_PROSE = {"text": "sentences"}
_LOG = {"list": "append", "key": "id", "time": "at"}
_FROM_UPSTREAM = {"value": "remote"}
_AT_WORK = tuple(status for status in STATUSES if status != "archived")
_MOVES = {
    **{before: [after for after in STATUSES if after != before] for before in _AT_WORK},
    "archived": ["draft", "active"],
}
_STATUS_RULE = {"value": "transitions", "allowed": _MOVES}

PLAN_RULES: dict[str, dict[str, Any]] = {
    "/phases": _BY_ID,
    "/phases/*/microsteps": _BY_ID,
    "/phases/*/microsteps/*/acceptance_criteria": _BY_ID,
    "/acceptance_criteria": _BY_ID,
    "/description": _PROSE,
    "/summary": _PROSE,
    "/**/notes": _PROSE,
    "/**/status": _STATUS_RULE,
    "/tags": {"list": "set"},
    "/**/comments": _LOG,
    "/**/annotations": _LOG,
    "/**/files": _LOG,
    "/**/log": _LOG,
    "/updated_at": _FROM_UPSTREAM,
    "/updated_by": _FROM_UPSTREAM,
    "/status_changed_at": _FROM_UPSTREAM,
    "/status_changed_by": _FROM_UPSTREAM,
    "/revision": _FROM_UPSTREAM,
}
"""How two versions of a plan are merged: other fields, phases, microsteps and criteria by themselves; what both touched asks."""

BUILT_IN = (
    Kind(
        name="plan_edit",
        title="Plan edit",
        schema=PLAN,
        route=routed("plan", id_of=joined("id")),
        joins=True,
        merge=PLAN_RULES,
        title_of=text_of("title"),
    ),
    Kind(
        name="status_change",
        title="Status change",
        schema=_object(
            ("status",),
            {
                "id": _ID,
                "status": _STATUS,
                "status_note": _text(2_000),
                "status_changed_by": _text(150),
                "status_changed_at": _MOMENT,
            },
        ),
        route=routed("plan", id_of=joined("id")),
        joins=True,
        merge=PLAN_RULES,
    ),
    Kind(
        name="comment_add",
        title="New comment",
        schema=_object(
            ("text",),
            {
                "id": _ID,
                "plan": _ID,
                "microstep": _ID,
                "reply_to": _ID,
                "author": _text(150),
                "text": _text(20_000, 1),
                "at": _MOMENT,
            },
        ),
        route=routed("comment", id_of=joined("id"), operation="create"),
        title_of=text_of("text"),
    ),
    Kind(
        name="file_upload",
        title="File upload",
        schema=_object(
            ("name", "size", "sha256"),
            {
                "id": _ID,
                "plan": _ID,
                "name": {**_text(255, 1), "pattern": "^[^/\\\\]+$"},
                "media_type": _text(127, 3, pattern="^[^/\\s]+/[^/\\s]+$"),
                "size": {"type": "integer", "minimum": 0},
                "sha256": _SHA256,
                "content": _text(1_000_000, contentEncoding="base64"),
            },
        ),
        route=routed("file", id_of=joined("id"), operation="create"),
        title_of=text_of("name"),
    ),
    Kind(
        name="integration_trigger",
        title="Integration trigger",
        schema=_object(
            ("integration", "event"),
            {"id": _ID, "integration": _text(64, 1), "event": _text(100, 1), "at": _MOMENT, "data": {"type": "object"}},
        ),
        route=routed("trigger", id_of=joined("id"), operation="create"),
        title_of=text_of("event", "integration"),
    ),
    Kind(
        name="progress",
        title="Learning progress",
        schema=_object(
            ("user", "course"),
            {
                "user": _ID,
                "course": _ID,
                "lesson": _ID,
                "percent": {"type": "number", "minimum": 0, "maximum": 100},
                "completed": {"type": "boolean"},
                "position": {"type": "number", "minimum": 0},
                "at": _MOMENT,
            },
            more=True,
        ),
        route=routed("progress", id_of=joined("user", "course")),
        # Ordered: an older figure that arrives last would stand for good. Each learner and course has its own lane.
        last_writer_wins=True,
        joins=True,
        title_of=text_of("lesson", "course"),
    ),
    Kind(
        name="analytics_event",
        title="Analytics event",
        schema=_object(
            ("name",),
            {
                "id": _ID,
                "name": _text(100, 1),
                "user": _text(255),
                "session": _text(255),
                "at": _MOMENT,
                "properties": {"type": "object"},
            },
        ),
        route=routed("analytics-event", id_of=joined("id"), operation="create"),
        ordered=False,
        last_writer_wins=True,
        title_of=text_of("name"),
    ),
    Kind(
        name="assignment",
        title="Assignment",
        schema=_object(
            ("person", "course"),
            {
                "person": _ID,
                "course": _ID,
                "organization": _text(50, 1),
                "assigned_by": _text(150, 1),
                "due": {"type": "string", "format": "date"},
                "note": _text(2_000),
            },
        ),
        route=routed("assignment", id_of=joined("course", "person"), operation="create"),
        title_of=text_of("course"),
    ),
)
