"""Adding, changing, pausing and resuming upstreams: who may, what is refused, what is kept secret."""

import json
from typing import Any

import pytest
from pytest_django import Settings

from portal.events.models import Event
from portal.kit.errors import Conflicting, Error, Forbidden, Invalid, NotFound
from portal.kit.masking import MASK
from portal.kit.viewer import Permission
from resilience.upstreams.actions.create_upstream import create_upstream
from resilience.upstreams.actions.pause import pause
from resilience.upstreams.actions.resume import resume
from resilience.upstreams.actions.update_upstream import update_upstream
from resilience.upstreams.models import Upstream
from tests.support.people import PLANS, People, make_upstream

GOOD: dict[str, Any] = {
    "slug": "plans-api",
    "name": "Plans API",
    "address": "http://127.0.0.1:8888/v1",
    "headers": {"X-Client": "breakwater", "X-Api-Key": "k-123"},
    "credentials": {"type": "basic", "username": "anna", "password": "hush"},
    "routes": PLANS,
}


def last_event() -> dict[str, Any]:
    """Verb, actor and data of the newest event."""
    event = Event.objects.latest("id")
    return {
        "verb": event.verb,
        "actor": event.actor,
        "organization_id": event.organization_id,
        **json.loads(event.data),
    }


def test_an_admin_adds_an_upstream(people: People) -> None:
    """It is stored with encrypted credentials, and an event tells who added it without any secret."""
    upstream = create_upstream(viewer=people.viewer(people.alice), fields=GOOD)
    kept = Upstream.objects.get(pk=upstream.pk)
    assert kept.organization == people.tidewater
    assert kept.read_credentials() == GOOD["credentials"]
    assert "hush" not in kept.credentials
    assert kept.credentials_set_at is not None
    assert kept.credentials_type == "basic"
    assert (kept.revision, kept.failed_head, kept.version) == (1, "hold", "etag")
    assert last_event()["verb"] == "upstream.created"
    assert "hush" not in Event.objects.latest("id").data


@pytest.mark.parametrize(
    ("fields", "pointer"),
    [
        ({"slug": "Plans API"}, "/slug"),
        ({"slug": "-a"}, "/slug"),
        ({"slug": "stream"}, "/slug"),
        ({"slug": "reset-all"}, "/slug"),
        ({"slug": 7}, "/slug"),
        ({"name": ""}, "/name"),
        ({"name": "a\nb"}, "/name"),
        ({"name": None}, "/name"),
        ({"adapter": "carrier-pigeon"}, "/adapter"),
        ({"adapter": 7}, "/adapter"),
        ({"address": "ftp://example.org"}, "/address"),
        ({"address": "plans.example.org"}, "/address"),
        ({"address": "http://"}, "/address"),
        ({"address": "http://anna:hush@127.0.0.1/"}, "/address"),
        ({"address": "http://127.0.0.1/#top"}, "/address"),
        ({"address": "http://127.0.0.1/?a=1"}, "/address"),
        ({"address": "http://127.0.0.1:99999/"}, "/address"),
        ({"address": "http://127.0.0.1/a/../b"}, "/address"),
        ({"address": "http://127.0.0.1/\r\nHost: x"}, "/address"),
        ({"address": "http://" + "a" * 500}, "/address"),
        ({"address": 7}, "/address"),
        ({"headers": {"Host": "x"}}, "/headers/Host"),
        ({"headers": {"Authorization": "x"}}, "/headers/Authorization"),
        ({"headers": {"X-A": "a\r\nb"}}, "/headers/X-A"),
        ({"headers": {"X-A": MASK}}, "/headers/X-A"),
        ({"headers": []}, "/headers"),
        ({"credentials": {"type": "magic"}}, "/credentials/type"),
        ({"credentials": {"type": "bearer"}}, "/credentials/token"),
        ({"timeout": 0}, "/timeout"),
        ({"timeout": True}, "/timeout"),
        ({"timeout": float("nan")}, "/timeout"),
        ({"in_flight_limit": 1.5}, "/in_flight_limit"),
        ({"in_flight_limit": 0}, "/in_flight_limit"),
        ({"failed_head": "drop"}, "/failed_head"),
        ({"failed_head": []}, "/failed_head"),
        ({"critical": "yes"}, "/critical"),
        ({"policy": "Very/Strict"}, "/policy"),
        ({"policy": "apii"}, "/policy"),
        ({"policy": ["api"]}, "/policy"),
        ({"routes": {}}, "/routes"),
        ({"routes": {"plan": {"path": "/plans"}}}, "/routes/plan/path"),
        ({"version": "clock"}, "/version"),
        ({"organization": "northlight"}, "/organization"),
        ({"organization": 7}, "/organization"),
        ({"colour": "red"}, "/colour"),
    ],
)
def test_a_bad_field_is_named(people: People, fields: dict[str, Any], pointer: str) -> None:
    """Each field that cannot be is refused at its place with a sentence, and nothing is stored."""
    with pytest.raises(Invalid) as caught:
        create_upstream(viewer=people.viewer(people.alice), fields=GOOD | fields)
    assert [fault.pointer for fault in caught.value.faults] == [pointer]
    assert caught.value.faults[0].detail.endswith(".")
    assert not Upstream.objects.exists()


def test_all_faults_come_at_once(people: People) -> None:
    """A person does not have to try three times to learn of three mistakes."""
    with pytest.raises(Invalid) as caught:
        create_upstream(viewer=people.viewer(people.alice), fields={"name": "", "timeout": 0, "colour": 1})
    pointers = {fault.pointer for fault in caught.value.faults}
    assert pointers >= {"/colour", "/slug", "/name", "/address", "/timeout", "/routes"}


def test_a_slug_is_unique_within_its_organization(people: People) -> None:
    """The same slug again is refused, in another organization it is fine."""
    create_upstream(viewer=people.viewer(people.alice), fields=GOOD)
    with pytest.raises(Conflicting) as caught:
        create_upstream(viewer=people.viewer(people.alice), fields=GOOD)
    assert caught.value.faults[0].pointer == "/slug"
    create_upstream(viewer=people.viewer(people.charlie), fields=GOOD)
    assert Upstream.objects.count() == 2


@pytest.mark.parametrize(
    "address",
    ["http://plans.example.org/v1", "http://10.0.0.7/"],
)
def test_production_wants_https(people: People, settings: Settings, address: str) -> None:
    """Plain http would show payloads and credentials to everybody on the way."""
    settings.PRODUCTION = True
    with pytest.raises(Invalid, match="https") as caught:
        create_upstream(viewer=people.viewer(people.alice), fields=GOOD | {"address": address})
    assert caught.value.faults[0].pointer == "/address"


@pytest.mark.parametrize(
    "address", ["http://127.0.0.1:8888/v1", "http://[::1]/", "http://localhost:1/", "https://plans.example.org"]
)
def test_production_allows_plain_http_near_by(people: People, settings: Settings, address: str) -> None:
    """What never leaves this machine, or an allowed network, may be plain."""
    settings.PRODUCTION = True
    assert create_upstream(viewer=people.viewer(people.alice), fields=GOOD | {"address": address}).pk


def test_only_what_changed_is_changed(people: People) -> None:
    """A change of one field leaves the others and the credentials, raises the revision by one, and tells what moved."""
    viewer = people.viewer(people.alice)
    upstream = create_upstream(viewer=viewer, fields=GOOD)
    updated = update_upstream(viewer=viewer, upstream_id=upstream.pk, changes={"timeout": 3, "revision": 1})
    assert (updated.changed, updated.notice) == (("timeout",), "")
    kept = Upstream.objects.get(pk=upstream.pk)
    assert (kept.timeout, kept.revision, kept.headers) == (3, 2, GOOD["headers"])
    assert kept.read_credentials() == GOOD["credentials"]
    assert last_event() == {
        "verb": "upstream.updated",
        "actor": "alice",
        "organization_id": people.tidewater.pk,
        "changed": ["timeout"],
        "moves": {"timeout": [10.0, 3]},
        "credentials_cleared": False,
        "revision": 2,
    }


def test_a_change_of_nothing_leaves_no_trace(people: People) -> None:
    """The same values again raise no revision and write no event."""
    viewer = people.viewer(people.alice)
    upstream = create_upstream(viewer=viewer, fields=GOOD)
    before = Event.objects.count()
    assert update_upstream(viewer=viewer, upstream_id=upstream.pk, changes={"name": "Plans API"}).changed == ()
    assert Upstream.objects.get().revision == 1
    assert Event.objects.count() == before


def test_a_change_of_what_somebody_else_changed_is_refused(people: People) -> None:
    """A form that was opened before another's change must not overwrite it unseen."""
    viewer = people.viewer(people.alice)
    upstream = create_upstream(viewer=viewer, fields=GOOD)
    update_upstream(viewer=viewer, upstream_id=upstream.pk, changes={"timeout": 3})
    with pytest.raises(Conflicting, match="meanwhile"):
        update_upstream(viewer=viewer, upstream_id=upstream.pk, changes={"timeout": 4, "revision": 1})
    assert Upstream.objects.get().timeout == 3


@pytest.mark.parametrize(
    "address",
    ["https://127.0.0.1:8888/v1", "http://127.0.0.2:8888/v1", "http://127.0.0.1:8889/v1", "http://127.0.0.1/v1"],
)
def test_another_origin_clears_credentials_and_secret_headers(people: People, address: str) -> None:
    """Secrets were entered for one place and do not follow the upstream to another; the answer says so."""
    viewer = people.viewer(people.alice)
    upstream = create_upstream(viewer=viewer, fields=GOOD)
    updated = update_upstream(viewer=viewer, upstream_id=upstream.pk, changes={"address": address})
    kept = Upstream.objects.get()
    assert kept.read_credentials() == {"type": "none"}
    assert kept.credentials_set_at is None
    assert kept.headers == {"X-Client": "breakwater"}
    assert "credentials were cleared" in updated.notice
    assert "X-Api-Key" in updated.notice
    assert last_event()["credentials_cleared"] is True


def test_another_path_of_the_same_origin_keeps_them(people: People) -> None:
    """The default port and the path do not make another place."""
    viewer = people.viewer(people.alice)
    upstream = create_upstream(viewer=viewer, fields=GOOD | {"address": "http://127.0.0.1/v1"})
    update_upstream(viewer=viewer, upstream_id=upstream.pk, changes={"address": "http://127.0.0.1:80/v2"})
    assert Upstream.objects.get().read_credentials() == GOOD["credentials"]
    assert Upstream.objects.get().headers == GOOD["headers"]


def test_new_credentials_may_come_with_a_new_address(people: People) -> None:
    """Then nothing is cleared but the old ones are gone."""
    viewer = people.viewer(people.alice)
    upstream = create_upstream(viewer=viewer, fields=GOOD)
    changes = {"address": "http://127.0.0.1:1/", "credentials": {"type": "bearer", "token": "t-1"}, "headers": {}}
    assert update_upstream(viewer=viewer, upstream_id=upstream.pk, changes=changes).notice == ""
    assert Upstream.objects.get().read_credentials() == {"type": "bearer", "token": "t-1"}


def test_a_masked_header_stands_for_its_value(people: People) -> None:
    """What was shown as dots comes back as dots and stays; at another address it must be entered again."""
    viewer = people.viewer(people.alice)
    upstream = create_upstream(viewer=viewer, fields=GOOD)
    shown = {"X-Client": "other", "X-Api-Key": MASK}
    update_upstream(viewer=viewer, upstream_id=upstream.pk, changes={"headers": shown})
    assert Upstream.objects.get().headers == {"X-Client": "other", "X-Api-Key": "k-123"}
    changes = {"headers": shown, "address": "http://127.0.0.1:1/"}
    with pytest.raises(Invalid) as caught:
        update_upstream(viewer=viewer, upstream_id=upstream.pk, changes=changes)
    assert [fault.pointer for fault in caught.value.faults] == ["/headers/X-Api-Key"]


def test_a_slug_stays(people: People) -> None:
    """A slug is part of addresses and of kinds' routes."""
    viewer = people.viewer(people.alice)
    upstream = create_upstream(viewer=viewer, fields=GOOD)
    with pytest.raises(Invalid) as caught:
        update_upstream(viewer=viewer, upstream_id=upstream.pk, changes={"slug": "other"})
    assert caught.value.faults[0].pointer == "/slug"


def test_pause_and_resume(people: People) -> None:
    """Each keeps its reason in an event and raises the revision; doing it twice changes nothing."""
    viewer = people.viewer(people.alice)
    upstream = make_upstream(people.tidewater)
    paused = pause(viewer=viewer, upstream_id=upstream.pk, reason=" Moving   house ")
    assert (paused.paused_by, paused.paused_reason, paused.revision) == ("alice", "Moving house", 2)
    assert (last_event()["verb"], last_event()["reason"]) == ("upstream.paused", "Moving house")
    assert pause(viewer=viewer, upstream_id=upstream.pk, reason="Again").revision == 2
    resumed = resume(viewer=viewer, upstream_id=upstream.pk, reason="Moved")
    assert (resumed.paused_at, resumed.paused_by, resumed.revision) == (None, "", 3)
    assert last_event()["verb"] == "upstream.resumed"
    assert resume(viewer=viewer, upstream_id=upstream.pk).revision == 3


@pytest.mark.parametrize("reason", ["", "  ", "x" * 301, "a\x00b", None, 7])
def test_a_pause_needs_a_reason(people: People, reason: Any) -> None:
    """The next person must know why nothing moves."""
    upstream = make_upstream(people.tidewater)
    with pytest.raises(Invalid) as caught:
        pause(viewer=people.viewer(people.alice), upstream_id=upstream.pk, reason=reason)
    assert caught.value.faults[0].pointer == "/reason"
    assert Upstream.objects.get().paused_at is None


def attempts(people: People, upstream: Upstream) -> dict[str, Any]:
    """Every action on an upstream, to be called with a viewer."""
    pk = upstream.pk
    return {
        "create": lambda viewer: create_upstream(
            viewer=viewer, fields=GOOD | {"slug": "b", "organization": "tidewater"}
        ),
        "update": lambda viewer: update_upstream(viewer=viewer, upstream_id=pk, changes={"timeout": 3}),
        "pause": lambda viewer: pause(viewer=viewer, upstream_id=pk, reason="x"),
        "resume": lambda viewer: resume(viewer=viewer, upstream_id=pk),
    }


@pytest.mark.parametrize("name", ["create", "update", "pause", "resume"])
def test_who_may_not(people: People, name: str) -> None:
    """A team mate without the right is told so, a stranger learns nothing, a token needs its scope."""
    upstream = make_upstream(people.tidewater)
    attempt = attempts(people, upstream)[name]
    with pytest.raises(Forbidden):
        attempt(people.viewer(people.bob))
    with pytest.raises(Forbidden):
        attempt(people.viewer(people.alice, Permission.READ, Permission.ENQUEUE))
    stranger: type[Error] = Invalid if name == "create" else NotFound
    with pytest.raises(stranger):
        attempt(people.viewer(people.charlie))
    assert Upstream.objects.get().revision == 1
    assert not Event.objects.exists()
