"""The registry of kinds, and what each built-in kind refuses."""

from typing import Any

import pytest

from portal.kit.errors import Invalid
from syncqueue import kinds
from syncqueue.core.change import NewChange
from syncqueue.core.kinds import Kind, Route
from syncqueue.core.schemas import patch_schema


def given(**said: str) -> NewChange:
    """A change that says this much about its place."""
    return NewChange(kind="plan_edit", **said)  # type: ignore[arg-type]


WHOLE: dict[str, tuple[dict[str, Any], str]] = {
    "plan_edit": (
        {
            "title": "Harbour wall",
            "status": "active",
            "phases": [
                {
                    "id": "ph-1",
                    "title": "Survey",
                    "microsteps": [
                        {
                            "id": "m-1",
                            "title": "Divers",
                            "acceptance_criteria": [{"id": "a-1", "text": "Signed", "met": False}],
                        }
                    ],
                }
            ],
            "comments": [{"id": "c-1", "text": "Looks good", "at": "2026-11-21T02:31:00Z"}],
            "due": "2026-12-01",
        },
        "plan",
    ),
    "status_change": ({"status": "done", "status_changed_at": "2026-11-21T02:31:00+01:00"}, "plan"),
    "comment_add": ({"id": "c-1", "plan": "p-1", "text": "Looks good"}, "comment"),
    "file_upload": (
        {"id": "f-1", "name": "wall.pdf", "media_type": "application/pdf", "size": 3, "sha256": "0" * 64},
        "file",
    ),
    "integration_trigger": (
        {"id": "t-1", "integration": "github", "event": "push", "data": {"ref": "main"}},
        "trigger",
    ),
    "progress": ({"user": "u-1", "course": "c-1", "percent": 40.5}, "progress"),
    "analytics_event": ({"id": "e-1", "name": "opened", "properties": {}}, "analytics-event"),
    "assignment": (
        {"person": "u-1", "course": "c-1", "organization": "tidewater", "assigned_by": "alice"},
        "assignment",
    ),
}

BROKEN: dict[str, tuple[dict[str, Any], set[str]]] = {
    "plan_edit": (
        {
            "title": "",
            "status": "finished",
            "phases": [
                {
                    "id": "ph-1",
                    "title": "Survey",
                    "microsteps": [{"title": 7, "acceptance_criteria": [{"id": "a-1", "text": ""}]}],
                }
            ],
            "comments": [{"id": "c-1", "text": "x", "at": "yesterday"}],
            "tags": ["a", "a"],
            "due": "2026-13-01",
        },
        {
            "/payload/title",
            "/payload/status",
            "/payload/phases/0/microsteps/0/id",
            "/payload/phases/0/microsteps/0/title",
            "/payload/phases/0/microsteps/0/acceptance_criteria/0/text",
            "/payload/comments/0/at",
            "/payload/tags",
            "/payload/due",
        },
    ),
    "status_change": ({"status": "over", "stauts": "done"}, {"/payload/status", "/payload/stauts"}),
    "comment_add": ({"author": 3, "a/b": 1}, {"/payload/text", "/payload/author", "/payload/a~1b"}),
    "file_upload": (
        {"name": "../x", "size": -1, "sha256": "no", "media_type": "pdf!"},
        {"/payload/name", "/payload/size", "/payload/sha256", "/payload/media_type"},
    ),
    "integration_trigger": ({"event": "", "data": []}, {"/payload/integration", "/payload/event", "/payload/data"}),
    "progress": (
        {"user": "u-1", "percent": 101, "completed": "yes"},
        {"/payload/course", "/payload/percent", "/payload/completed"},
    ),
    "analytics_event": ({"properties": 1}, {"/payload/name", "/payload/properties"}),
    "assignment": ({"person": "", "due": "soon"}, {"/payload/person", "/payload/course", "/payload/due"}),
}


def test_every_built_in_kind_is_tried_here() -> None:
    """A new kind needs a payload that fits and one that does not."""
    assert set(WHOLE) == set(BROKEN) == {kind.name for kind in kinds.all_kinds()}


@pytest.mark.parametrize("name", WHOLE)
def test_a_payload_that_fits_is_taken_and_routed(name: str) -> None:
    """A whole payload has no faults, and the kind derives its entity type from it."""
    payload, entity_type = WHOLE[name]
    kind = kinds.get(name)
    assert kind.faults(payload, operation="create", form="document") == []
    change = given(entity_id="" if "id" in payload or "course" in payload else "p-1")
    assert kind.route(payload, change).entity_type == entity_type


@pytest.mark.parametrize("name", BROKEN)
def test_each_fault_has_its_pointer(name: str) -> None:
    """A payload with several faults is refused with the place of every one of them, and a sentence."""
    payload, pointers = BROKEN[name]
    faults = kinds.get(name).faults(payload, operation="create", form="document")
    assert {fault.pointer for fault in faults} == pointers
    assert all(fault.detail.endswith(".") for fault in faults)


@pytest.mark.parametrize("name", BROKEN)
@pytest.mark.parametrize("payload", [None, [], "text", 7, True])
def test_a_payload_is_an_object(name: str, payload: object) -> None:
    """What is no object is refused at the payload itself, and the route of a kind survives it."""
    kind = kinds.get(name)
    faults = kind.faults(payload, operation="update", form="merge-patch")
    assert [(fault.pointer, fault.detail) for fault in faults] == [("/payload", "This must be an object.")]
    assert kind.route(payload, given()).entity_id == ""


def test_a_merge_patch_may_hold_a_part_and_nulls() -> None:
    """A patch changes what it names: required fields may be absent, and null removes what is not required."""
    plan = kinds.get("plan_edit")
    assert plan.faults({"description": None, "due": None, "phases": None}, operation="update", form="merge-patch") == []
    assert plan.faults({}, operation="update", form="merge-patch") == []
    assert [fault.pointer for fault in plan.faults({}, operation="update", form="document")] == ["/payload/title"]


def test_a_merge_patch_cannot_remove_what_is_required() -> None:
    """Null for a required field would leave a document that breaks its schema."""
    faults = kinds.get("plan_edit").faults({"title": None}, operation="update", form="merge-patch")
    assert [fault.pointer for fault in faults] == ["/payload/title"]


def test_what_stands_in_a_list_is_whole_in_a_patch() -> None:
    """A merge patch replaces lists, so their entries must be complete."""
    faults = kinds.get("plan_edit").faults({"phases": [{"id": "ph-1"}]}, operation="update", form="merge-patch")
    assert [fault.pointer for fault in faults] == ["/payload/phases/0/title"]


def test_a_create_is_whole_in_any_form() -> None:
    """There is nothing yet that a patch could rest on."""
    faults = kinds.get("plan_edit").faults({"status": "draft"}, operation="create", form="merge-patch")
    assert [fault.pointer for fault in faults] == ["/payload/title"]


def test_a_delete_has_no_payload() -> None:
    """A delete names its entity and carries nothing."""
    plan = kinds.get("plan_edit")
    assert plan.faults(None, operation="delete", form="merge-patch") == []
    assert plan.faults({}, operation="delete", form="merge-patch") == []
    assert [fault.pointer for fault in plan.faults({"title": "x"}, operation="delete", form="merge-patch")] == [
        "/payload"
    ]


def test_what_is_given_comes_before_what_is_derived() -> None:
    """A change may name its place itself; the kind fills in only what is missing."""
    route = kinds.get("plan_edit").route
    assert route({"id": "p-1"}, given()) == Route(None, "plan", "p-1", "update")
    assert route(
        {"id": "p-1"}, given(upstream="plans-api", entity_type="draft", entity_id="d-9", operation="create")
    ) == Route("plans-api", "draft", "d-9", "create")


def test_an_unknown_kind_is_refused_at_its_field() -> None:
    """The answer points at /kind and lists what is known."""
    for name in ("plan_edti", "", None, 7):
        with pytest.raises(Invalid) as caught:
            kinds.get(name)  # type: ignore[arg-type]
        assert caught.value.faults[0].pointer == "/kind"
        assert "plan_edit" in caught.value.detail


def test_a_registered_kind_is_checked_and_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    """A project's kind is known by its name; a taken name, a bad name or a bad schema raises."""
    monkeypatch.setattr(kinds, "_kinds", dict(kinds._kinds))
    route = kinds.routed("invoice", id_of=kinds.joined("number"), upstream="billing")
    invoice = kinds.register(Kind(name="invoice", title="Invoice", schema={"type": "object"}, route=route))
    assert kinds.get("invoice") is kinds.register(invoice) is invoice
    assert invoice.route({"number": "4711"}, given()).upstream == "billing"
    for name, schema in (("invoice", {}), ("In voice", {}), ("invoice2", {"type": "text"})):
        with pytest.raises(Exception, match=r"kind|text"):
            kinds.register(Kind(name=name, title="", schema=schema, route=route))


def test_a_patch_follows_references_and_open_fields() -> None:
    """Schemas with $defs (recursive ones too), open fields and alternatives have patches as well."""
    schema = {
        "$defs": {
            "node": {
                "type": "object",
                "required": ["a"],
                "properties": {"a": {"type": "integer"}, "n": {"$ref": "#/$defs/node"}},
            }
        },
        "type": "object",
        "required": ["root"],
        "properties": {
            "root": {"$ref": "#/$defs/node"},
            "one": {"oneOf": [{"type": "integer"}, {"type": "object", "required": ["x"]}]},
        },
        "patternProperties": {"^x-": {"type": "string"}},
        "additionalProperties": {"type": "number"},
    }
    kind = Kind(name="tree", title="Tree", schema=schema, route=kinds.routed("tree"))
    assert (
        kind.faults({"root": {"n": {"n": None}}, "x-1": None, "other": None}, operation="update", form="merge-patch")
        == []
    )
    assert kind.faults({"one": {}}, operation="update", form="merge-patch") == []
    broken = {"root": {"n": {"a": "1"}}, "x-1": 1, "other": "n"}
    pointers = [fault.pointer for fault in kind.faults(broken, operation="update", form="merge-patch")]
    assert pointers == ["/payload/other", "/payload/root/n/a", "/payload/x-1"]
    assert [
        fault.pointer for fault in kind.faults({"root": {"a": 1}, "one": {}}, operation="update", form="document")
    ] == ["/payload/one/x"]
    assert schema["required"] == ["root"], "the schema itself is not changed"
    assert "required" not in patch_schema(schema)


def test_titles_are_short_and_on_one_line() -> None:
    """A title comes from the payload, whatever stands there."""
    plan = kinds.get("plan_edit")
    assert plan.title_of({"title": " Harbour\n wall " + "x" * 300}) == "Harbour wall " + "x" * 187
    assert plan.title_of({"title": 7}) == plan.title_of({}) == plan.title_of(None) == ""
