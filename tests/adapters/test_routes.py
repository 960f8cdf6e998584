"""Routes: what an upstream's settings may say, and the addresses that come of it."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portal.kit.errors import Invalid
from syncqueue.adapters import registry
from syncqueue.adapters.base import Target
from syncqueue.adapters.routes import id_fault, prepare, route_of, validate

PLAN = {"path": "/buckets/b/collections/plans/records/{id}", "document": "data"}


@pytest.mark.parametrize(
    ("route", "pointer"),
    [
        ({}, "path"),
        ({"path": "plans/{id}"}, "path"),
        ({"path": "/plans"}, "path"),
        ({"path": "/plans/{id}/{id}"}, "path"),
        ({"path": "/plans/x{id}"}, "path"),
        ({"path": "/plans/{name}/{id}"}, "path"),
        ({"path": "/../{id}"}, "path"),
        ({"path": "/%2e%2E/{id}"}, "path"),
        ({"path": "//evil/{id}"}, "path"),
        ({"path": "/a?b={id}"}, "path"),
        ({"path": "/a#{id}"}, "path"),
        ({"path": "/a b/{id}"}, "path"),
        ({"path": "/a\r\n/{id}"}, "path"),
        ({"path": "/%zz/{id}"}, "path"),
        ({**PLAN, "create": "POST"}, "create"),
        ({**PLAN, "update": "DELETE"}, "update"),
        ({**PLAN, "content_type": "text/html"}, "content_type"),
        ({**PLAN, "content_type": "application/json\r\nX: y"}, "content_type"),
        ({**PLAN, "managed": "id"}, "managed"),
        ({**PLAN, "document": 1}, "document"),
        ({**PLAN, "paht": "x"}, "paht"),
    ],
)
def test_what_is_refused(route: Any, pointer: str) -> None:
    """Each fault of a route points at its part."""
    with pytest.raises(Invalid) as caught:
        validate({"pl/an": route})
    assert caught.value.faults[0].pointer == f"/routes/pl~1an/{pointer}"


@pytest.mark.parametrize(("routes", "pointer"), [({}, "/routes"), ([], "/routes"), ({"a": 1}, "/routes/a")])
def test_routes_are_an_object_of_objects(routes: Any, pointer: str) -> None:
    """No routes, a list, or a route that is no object is refused."""
    with pytest.raises(Invalid) as caught:
        validate(routes)
    assert caught.value.faults[0].pointer == pointer


def test_the_version_mode_is_known() -> None:
    """Only what the adapter can do may be chosen."""
    with pytest.raises(Invalid) as caught:
        registry.get("json-http").validate({"plan": PLAN}, version="field:rev")
    assert caught.value.faults[0].pointer == "/version"


@pytest.mark.parametrize("address", ["http://127.0.0.1:8888/v1", "http://127.0.0.1:8888/v1/"])
def test_an_address(address: str) -> None:
    """The address, the path and the id are put together once, whether or not the address ends in a slash."""
    route = prepare(Target(address, {"plan": PLAN}))["plan"]
    assert str(route.url("p 1?ä%2F")) == (
        "http://127.0.0.1:8888/v1/buckets/b/collections/plans/records/p%201%3F%C3%A4%252F"
    )


@given(st.text(min_size=1))
def test_an_id_is_one_segment(entity_id: str) -> None:
    """Whatever the id, it is refused or stays within its one segment, and is found there again."""
    if id_fault(entity_id):
        return
    url = prepare(Target("https://host/v1", {"plan": {"path": "/a/{id}/c"}}))["plan"].url(entity_id)
    assert url.raw_parts[:3] == ("/", "v1", "a")
    assert url.raw_parts[4:] == ("c",)
    assert url.parts[3] == entity_id
    assert (url.host, url.raw_query_string, url.raw_fragment) == ("host", "", "")


@pytest.mark.parametrize("entity_id", ["", ".", "..", "a/b", "a\\b", "a\x00", "a\nb", "a\x85", "\ud800", "x" * 600])
def test_ids_that_are_refused(entity_id: str) -> None:
    """What could leave its segment or hide in it is no id."""
    assert id_fault(entity_id)


def test_routes_are_prepared_once() -> None:
    """A target's routes are made once and reused."""
    target = Target("https://host", {"plan": PLAN})
    assert route_of(target, "plan") is route_of(target, "plan")
    assert route_of(target, "other") is None


def test_an_unknown_adapter() -> None:
    """Asking for an adapter that does not exist names those that do."""
    with pytest.raises(Invalid, match="json-http"):
        registry.get("carrier-pigeon")
