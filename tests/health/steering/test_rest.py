"""Components and probes by REST."""

from typing import Any

import pytest
from django.http import HttpResponse

from portal.events.models import Event
from portal.kit.masking import MASK
from portal.kit.secrets import encrypt
from resilience.health.actions.filling import offered
from resilience.health.core import draft
from resilience.health.models import Component, Flip, Outage, Probe, Result
from tests.health.steering.conftest import Watch
from tests.rest.conftest import Caller

SQL: dict[str, Any] = {
    "component": "store",
    "name": "queries",
    "kind": "postgresql",
    "address": "db.example.org:5432/users",
    "options": {"user": "monitor"},
    "secret": {"password": "hush-hush"},
}
HOOK: dict[str, Any] = {
    "component": "store",
    "template": "github-webhook",
    "values": {"repository": "acme/shop", "hook": "12", "token": "hush-hush"},
}


def fault(answer: HttpResponse) -> tuple[str, str]:
    """Where the first fault of a problem is, and what it says."""
    assert answer.headers["Content-Type"] == "application/problem+json"
    first = answer.json()["errors"][0]
    return first["pointer"], first["detail"]


def added(alice: Caller, body: dict[str, Any]) -> dict[str, Any]:
    """A probe that was taken."""
    answer = alice.post("/health/probes", body)
    assert answer.status_code == 201, answer.content
    found: dict[str, Any] = answer.json()
    return found


# components


def test_components_are_listed(watch: Watch) -> None:
    """In cursor pages, of one's own organizations, and Breakwater itself."""
    watch.component("northern", watch.people.northlight)
    Component.objects.create(slug="breakwater", name="Breakwater")
    bob = watch.caller("bob")
    found = bob.get("/health/components?page_size=2").json()
    assert [row["slug"] for row in found["results"]] == ["breakwater", "store"]
    assert [row["organization"] for row in found["results"]] == [None, "tidewater"]
    more = bob.get(f"/health/components?page_size=2&cursor={found['next_cursor']}").json()["results"]
    assert [(row["slug"], row["upstream"], row["probes"]) for row in more] == [("plans-api", "plans-api", 1)]
    mine = watch.caller("charlie").get("/health/components?organization=northlight").json()["results"]
    assert [row["slug"] for row in mine] == ["northern"]
    assert watch.caller("charlie").get("/health/components?organization=tidewater").json()["results"] == []


def test_a_list_costs_the_same_however_long(watch: Watch, django_assert_max_num_queries: Any) -> None:
    """Whatever is shown of a component is read for all of them together."""
    for n in range(20):
        watch.component(f"c-{n}", parent=watch.store)
    bob = watch.caller("bob")
    bob.get("/health/components")
    with django_assert_max_num_queries(10):
        assert len(bob.get("/health/components").json()["results"]) == 22
    with django_assert_max_num_queries(10):
        bob.get("/health/probes")


def test_a_service_is_added_changed_and_removed(watch: Watch) -> None:
    """Each with its event; what is not named stays."""
    alice = watch.caller("alice")
    made = alice.post("/health/components", {"slug": "vpn", "name": "VPN", "importance": "high", "parent": "store"})
    assert made.status_code == 201, made.content
    shown = made.json()
    assert (shown["state"], shown["parent"], shown["revision"], shown["weighs"]) == ("none", "store", 1, "high")
    path = f"/health/components/{shown['id']}"
    changed = alice.call("PATCH", path, {"parent": None, "run_book": "https://wiki.example.org/vpn", "revision": 1})
    assert (changed.json()["parent"], changed.json()["importance"], changed.json()["revision"]) == (None, "high", 2)
    assert alice.call("PATCH", path, {"importance": "normal", "revision": 1}).status_code == 409
    assert alice.call("DELETE", path).status_code == 204
    assert alice.get(path).status_code == 404
    verbs = Event.objects.unscoped().filter(subject=f"component:{shown['id']}").order_by("id")
    assert list(verbs.values_list("verb", flat=True)) == ["component.added", "component.updated", "component.removed"]


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({"slug": ""}, "/slug"),
        ({"slug": 5}, "/slug"),
        ({"name": None}, "/name"),
        ({"importance": "utmost"}, "/importance"),
        ({"parent": "northern"}, "/parent"),
        ({"parent": 5}, "/parent"),
        ({"run_book": "javascript:alert(1)"}, "/run_book"),
        ({"run_book": "https://x.example.org/\u202e"}, "/run_book"),
        ({"feeds_breaker": True}, "/feeds_breaker"),
        ({"feeds_breaker": "yes"}, "/feeds_breaker"),
        ({"colour": "red"}, "/colour"),
        ({"organization": "northlight"}, "/organization"),
        ({"organization": 5}, "/organization"),
    ],
)
def test_a_bad_component_is_refused(watch: Watch, body: dict[str, Any], pointer: str) -> None:
    """With a pointer to what is wrong; another organization's component is no parent, and does not exist."""
    watch.component("northern", watch.people.northlight)
    answer = watch.caller("alice").post("/health/components", {"slug": "vpn", "name": "VPN", **body})
    assert (answer.status_code, fault(answer)[0]) == (400, pointer)
    assert not Component.objects.filter(slug="vpn").exists()


def test_every_fault_is_found_in_one_go(watch: Watch) -> None:
    """So that nobody mends them one by one."""
    answer = watch.caller("alice").post("/health/components", {"slug": "-", "name": "", "importance": 1, "x": 1})
    pointers = {one["pointer"] for one in answer.json()["errors"]}
    assert pointers == {"/slug", "/name", "/importance", "/x"}
    bad = {**SQL, "name": "", "interval": 1, "timeout": 999, "enabled": "yes", "options": {}, "no": 1}
    answer = watch.caller("alice").post("/health/probes", bad)
    pointers = {one["pointer"] for one in answer.json()["errors"]}
    assert pointers >= {"/name", "/interval", "/timeout", "/enabled", "/options/user", "/no"}


def test_a_slug_is_taken_once(watch: Watch) -> None:
    """Within an organization."""
    answer = watch.caller("alice").post("/health/components", {"slug": "store", "name": "Another"})
    assert (answer.status_code, fault(answer)[0]) == (409, "/slug")
    assert watch.caller("charlie").post("/health/components", {"slug": "store", "name": "Another"}).status_code == 201


def test_a_chain_of_parents_has_an_end(watch: Watch) -> None:
    """A component is not above itself, at once or over others."""
    alice = watch.caller("alice")
    child = watch.component("child", parent=watch.store)
    watch.component("grandchild", parent=child)
    for parent in ("store", "child", "grandchild"):
        answer = alice.call("PATCH", f"/health/components/{watch.store.pk}", {"parent": parent})
        assert (answer.status_code, fault(answer)[0]) == (400, "/parent")
        assert "has an end" in fault(answer)[1]


def test_what_is_its_upstreams(watch: Watch) -> None:
    """Name and slug are changed there or not at all, and it stays as long as the upstream."""
    alice, path = watch.caller("alice"), f"/health/components/{watch.upstream.pk}"
    assert fault(alice.call("PATCH", path, {"name": "Other"})) == (
        "/name",
        "It is named as its upstream. Change the name there.",
    )
    assert fault(alice.call("PATCH", path, {"slug": "other"}))[0] == "/slug"
    assert alice.call("DELETE", path).status_code == 409
    assert alice.call("PATCH", path, {"feeds_breaker": True}).json()["feeds_breaker"] is True


def test_breakwater_itself_is_read_only(watch: Watch) -> None:
    """Every member reads it, nobody changes it or its probes."""
    itself = Component.objects.create(slug="breakwater", name="Breakwater")
    probe = Probe.objects.create(component=itself, name="memory", kind="memory")
    for who in ("alice", "charlie"):
        caller = watch.caller(who)
        assert caller.get(f"/health/components/{itself.pk}").status_code == 200
        assert caller.call("PATCH", f"/health/components/{itself.pk}", {"importance": "high"}).status_code == 403
        assert caller.call("DELETE", f"/health/components/{itself.pk}").status_code == 403
        assert caller.call("PATCH", f"/health/probes/{probe.pk}", {"enabled": False}).status_code == 403
        assert caller.call("DELETE", f"/health/probes/{probe.pk}").status_code == 403
        assert fault(caller.post("/health/probes", {**SQL, "component": "breakwater"}))[0] == "/component"


def test_removing_takes_everything_along(watch: Watch) -> None:
    """Results, flips and outages of the component, and of no other."""
    for component in (watch.store, watch.upstream):
        probe = Probe.objects.create(component=component, name="p", kind="memory")
        now = component.created_at
        Result.objects.create(probe=probe, at=now, ok=True, ms=1, state="up")
        Flip.objects.create(component=component, at=now, noticed_at=now, before="none", after="up")
        Outage.objects.create(component=component, began_at=now, noticed_at=now, severity="minor")
    assert watch.caller("alice").call("DELETE", f"/health/components/{watch.store.pk}").status_code == 204
    for model in (Result, Flip, Outage):
        assert model._default_manager.count() == 1


# probes


def test_a_probe_by_its_kind(watch: Watch) -> None:
    """Its secret is told only by when it was set, whoever reads."""
    shown = added(watch.caller("alice"), SQL)
    assert shown["secret"]["set_at"]
    assert (shown["interval"], shown["timeout"], shown["failures_to_down"], shown["enabled"]) == (30.0, 10.0, 3, True)
    assert Probe.objects.get(pk=shown["id"]).read_secret() == {"password": "hush-hush"}
    for answer in (
        watch.caller("bob").get(f"/health/probes/{shown['id']}"),
        watch.caller("alice").get("/health/probes?component=store"),
        watch.caller("alice").get("/events"),
    ):
        assert answer.status_code == 200
        assert "hush" not in answer.content.decode()


def test_a_probe_of_a_template(watch: Watch) -> None:
    """The template makes kind, address and options of a few values; the secret among them is kept apart."""
    shown = added(watch.caller("alice"), HOOK)
    assert (shown["kind"], shown["template"]) == ("http", "github-webhook")
    assert shown["address"].startswith("https://api.github.com/repos/acme/shop/hooks/12/deliveries")
    assert shown["values"] == {"repository": "acme/shop", "hook": "12"}
    assert shown["name"] == str(next(one.title for one in offered(watch.store) if one.name == "github-webhook"))
    kept = Probe.objects.get(pk=shown["id"])
    assert kept.read_secret()["credentials"] == {"type": "bearer", "token": "hush-hush"}
    assert "hush" not in str([kept.values, kept.options, kept.address])


@pytest.mark.parametrize("body", [SQL, HOOK])
def test_a_timeout_that_nobody_says_fits_the_interval(watch: Watch, body: dict[str, Any]) -> None:
    """As long as usual, or as the interval has room for."""
    assert added(watch.caller("alice"), {**body, "interval": 5})["timeout"] == 4.0
    assert added(watch.caller("alice"), {**body, "name": "slower", "interval": 90})["timeout"] == 10.0


def test_values_make_a_probe_anew(watch: Watch) -> None:
    """What is not named stays, secrets too; null is the default again."""
    alice = watch.caller("alice")
    made = added(alice, {**HOOK, "values": {**HOOK["values"], "percent": 50}})
    path = f"/health/probes/{made['id']}"
    changed = alice.call("PATCH", path, {"values": {"repository": "acme/forms", "percent": None}})
    assert changed.status_code == 200, changed.content
    assert changed.json()["values"] == {"repository": "acme/forms", "hook": "12"}
    assert "/acme/forms/" in changed.json()["address"]
    probe = Probe.objects.get(pk=made["id"])
    assert probe.read_secret()["credentials"]["token"] == "hush-hush"
    assert fault(alice.call("PATCH", path, {"values": {"repository": "no slash"}}))[0] == "/values/repository"
    assert fault(alice.call("PATCH", path, {"values": {"no": 1}}))[0] == "/values/no"
    left = alice.call("PATCH", path, {"options": {"status": "200"}}).json()
    assert (left["template"], left["values"], left["options"]) == ("", {}, {"status": "200"})
    assert fault(alice.call("PATCH", path, {"values": {"repository": "a/b"}}))[0] == "/values"


def test_secrets_are_merged_by_part(watch: Watch) -> None:
    """One that is named is replaced, null takes it away, and null for all of them takes all away."""
    alice = watch.caller("alice")
    redis = {"component": "store", "name": "r", "kind": "redis", "address": "cache.example.org:6379"}
    made = added(alice, {**redis, "secret": {"username": "anna", "password": "hush"}})
    path, probe = f"/health/probes/{made['id']}", Probe.objects.get(pk=made["id"])
    for said, kept in (
        ({"password": "new"}, {"username": "anna", "password": "new"}),
        ({"username": None}, {"password": "new"}),
        ({}, {"password": "new"}),
        (None, {}),
    ):
        assert alice.call("PATCH", path, {"secret": said}).status_code == 200
        probe.refresh_from_db()
        assert probe.read_secret() == kept
    assert alice.get(path).json()["secret"] == {"set_at": None}


@pytest.mark.parametrize(
    ("body", "cleared"),
    [
        ({"address": "db.example.org:5432/other"}, False),
        ({"address": "db.example.org:5433/users"}, True),
        ({"address": "evil.example.org:5432/users"}, True),
        ({"kind": "tcp", "address": "db.example.org:5432", "options": {}}, True),
        ({"interval": 60}, False),
    ],
)
def test_secrets_do_not_follow_a_probe_elsewhere(watch: Watch, body: dict[str, Any], cleared: bool) -> None:
    """Another kind, host or port clears them, and the answer says so."""
    alice = watch.caller("alice")
    made = added(alice, SQL)
    answer = alice.call("PATCH", f"/health/probes/{made['id']}", body)
    assert answer.status_code == 200, answer.content
    assert ("notice" in answer.json()) is cleared
    assert (Probe.objects.get(pk=made["id"]).read_secret() == {}) is cleared


def test_what_is_shown_masked_can_be_sent_back(watch: Watch) -> None:
    """A mask stands for what is kept, wherever it was shown, and for nothing once the probe asks elsewhere."""
    alice = watch.caller("alice")
    address = "https://api.example.org/x?token=s3cr3t-s3cr3t"
    options = {"headers": {"X-Api-Key": "k-123456", "Accept": "text/plain"}}
    made = added(alice, {"component": "store", "name": "x", "kind": "http", "address": address, "options": options})
    assert "s3cr3t" not in str(made)
    assert made["options"]["headers"] == {"X-Api-Key": MASK, "Accept": "text/plain"}
    path, sent = f"/health/probes/{made['id']}", {"address": made["address"], "options": made["options"]}
    assert alice.call("PATCH", path, sent).json()["revision"] == 1
    answer = alice.call("PATCH", path, {**sent, "address": "https://evil.example.org/"})
    assert (answer.status_code, fault(answer)[0]) == (400, "/options/headers/X-Api-Key")
    probe = Probe.objects.get(pk=made["id"])
    assert (probe.address, probe.options) == (address, options)


def test_a_lost_key_does_not_lock_a_probe(watch: Watch) -> None:
    """A secret that cannot be read any more can be entered anew."""
    alice = watch.caller("alice")
    made = added(alice, SQL)
    Probe.objects.filter(pk=made["id"]).update(secret=encrypt("{}")[:-8] + "AAAAAAAA")
    answer = alice.call("PATCH", f"/health/probes/{made['id']}", {"secret": {"password": "new"}})
    assert answer.status_code == 200
    assert Probe.objects.get(pk=made["id"]).read_secret() == {"password": "new"}


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({"component": "northern"}, "/component"),
        ({"component": None}, "/component"),
        ({"organization": "northlight"}, "/organization"),
        ({"name": ""}, "/name"),
        ({"name": "x" * 101}, "/name"),
        ({"kind": "telepathy"}, "/kind"),
        ({"kind": ["http"]}, "/kind"),
        ({"address": ""}, "/address"),
        ({"address": 5}, "/address"),
        ({"address": "x" * 501}, "/address"),
        ({"address": "anna:hush@db.example.org:5432/users"}, "/address"),
        ({"address": "10.0.0.1:5432/users"}, "/address"),
        ({"options": []}, "/options"),
        ({"options": {"user": "monitor", "query": "x" * 30_000}}, "/options"),
        ({"options": {"user": "monitor", "query": "DROP TABLE users"}}, "/options/query"),
        ({"secret": {"pass": "x"}}, "/secret/pass"),
        ({"secret": "x"}, "/secret"),
        ({"interval": 4.9}, "/interval"),
        ({"interval": 86_401}, "/interval"),
        ({"interval": "30"}, "/interval"),
        ({"interval": True}, "/interval"),
        ({"interval": 10**400}, "/interval"),
        ({"interval": 20, "timeout": 20}, "/timeout"),
        ({"timeout": 0}, "/timeout"),
        ({"slow_after_ms": 0}, "/slow_after_ms"),
        ({"slow_after_ms": 1.5}, "/slow_after_ms"),
        ({"slow_after_ms": 10_000}, "/slow_after_ms"),
        ({"failures_to_down": 0}, "/failures_to_down"),
        ({"failures_to_down": 21}, "/failures_to_down"),
        ({"successes_to_up": 1.0}, "/successes_to_up"),
        ({"enabled": 1}, "/enabled"),
        ({"state": "up"}, "/state"),
        ({"template": "no"}, "/template"),
        ({"template": 5}, "/template"),
        ({"template": "http"}, "/kind"),
        ({"values": {"url": "x"}}, "/values"),
    ],
)
def test_a_bad_probe_is_refused(watch: Watch, body: dict[str, Any], pointer: str) -> None:
    """With a pointer to what is wrong, and nothing is added."""
    watch.component("northern", watch.people.northlight)
    answer = watch.caller("alice").post("/health/probes", SQL | body)
    assert answer.status_code == 400, answer.content
    assert fault(answer)[0] == pointer
    assert not watch.store.probes.exists()
    assert "hush" not in answer.content.decode()


@pytest.mark.parametrize(
    ("kind", "address", "options"),
    [
        ("http", "http://10.1.2.3/", {}),
        ("http", "http://localhost:1/", {}),
        ("http", "http://user.localhost/", {}),
        ("http", "http://[::ffff:10.1.2.3]/", {}),
        ("http", "http://0/", {}),
        ("tcp", "10.1.2.3:25", {}),
        ("tcp", "[fd00::5]:25", {}),
        ("tls", "10.1.2.3", {}),
        ("tls", "0x0a010203", {}),
        ("redis", "rediss://10.1.2.3:6379", {}),
        ("dns", "www.example.org", {"server": "10.1.2.3"}),
    ],
)
def test_a_refused_address_is_said_at_once(
    watch: Watch, settings: Any, kind: str, address: str, options: dict[str, Any]
) -> None:
    """With what to do about it, in each kind, in every spelling."""
    settings.BREAKWATER_ALLOWED_NETWORKS = []
    said = {"component": "store", "name": "x", "kind": kind, "address": address, "options": options}
    answer = watch.caller("alice").post("/health/probes", said)
    assert answer.status_code == 400, answer.content
    assert "BREAKWATER_ALLOWED_NETWORKS=" in fault(answer)[1]


@pytest.mark.parametrize("host", ["169.254.169.254", "[::ffff:169.254.169.254]", "[fd00:ec2::254]"])
def test_nobody_is_advised_to_open_a_metadata_service(watch: Watch, settings: Any, host: str) -> None:
    """It hands out a machine's credentials: the refusal says what it is, and not how to allow it."""
    settings.BREAKWATER_ALLOWED_NETWORKS = []
    said = {"component": "store", "name": "x", "kind": "http", "address": f"http://{host}/latest", "options": {}}
    answer = watch.caller("alice").post("/health/probes", said)
    assert answer.status_code == 400, answer.content
    assert fault(answer)[1].endswith("is refused: a metadata service of a cloud.")


def test_an_empty_address_is_the_upstreams(watch: Watch) -> None:
    """For a component that has one."""
    alice = watch.caller("alice")
    body = {"name": "again", "kind": "http", "options": {"status": "200"}}
    assert added(alice, {"component": "plans-api", **body})["address"] == ""
    answer = alice.post("/health/probes", {"component": "store", **body})
    assert fault(answer) == ("/address", "Nothing is sent to User store, so the probe needs an address.")


def test_the_bounds(watch: Watch, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of a component and of an organization; another organization's do not count."""
    alice = watch.caller("alice")
    Probe.objects.bulk_create(Probe(component=watch.store, name=f"p{n}", kind="memory") for n in range(50))
    answer = alice.post("/health/probes", {**SQL, "name": "one more"})
    assert (answer.status_code, answer.json()["detail"][:36]) == (409, "A component has at most 50 probes. R")
    many = [watch.component(f"c-{n}") for n in range(39)]
    rows = [Probe(component=one, name=f"p{n}", kind="memory") for one in many for n in range(50)]
    Probe.objects.bulk_create(rows[: draft.MOST_OF_ORGANIZATION - 51])
    answer = alice.post("/health/probes", {**SQL, "component": "c-38"})
    assert (answer.status_code, "at most 2000 probes" in answer.json()["detail"]) == (409, True)
    assert watch.caller("charlie").post("/health/components", {"slug": "c", "name": "C"}).status_code == 201
    assert watch.caller("charlie").post("/health/probes", {**SQL, "component": "c"}).status_code == 201


def test_who_may_do_what(watch: Watch) -> None:
    """Members read, admins change; a stranger finds nothing."""
    made = added(watch.caller("alice"), SQL)
    paths = (f"/health/probes/{made['id']}", f"/health/components/{watch.store.pk}")
    for path in paths:
        for who, read, change in (("bob", 200, 403), ("ivan", 200, 403), ("charlie", 404, 404)):
            caller = watch.caller(who)
            assert caller.get(path).status_code == read
            assert caller.call("PATCH", path, {"name": "x"}).status_code == change
            assert caller.call("DELETE", path).status_code == change
    assert watch.caller("ivan").post("/health/probes", SQL).status_code == 403
    assert fault(watch.caller("charlie").post("/health/probes", SQL))[0] == "/component"
    assert watch.caller("bob").post(f"/health/probes/{made['id']}/check").status_code == 403
    assert watch.caller("charlie").post(f"/health/probes/{made['id']}/check").status_code == 404


def test_a_number_that_no_database_has(watch: Watch) -> None:
    """Is nothing that there is."""
    for path in (f"/health/probes/{10**30}", f"/health/components/{10**30}"):
        assert watch.caller("alice").get(path).status_code == 404


def test_templates_are_described(watch: Watch) -> None:
    """With what each asks for, so that a program can make a form of it."""
    found = {one["name"]: one for one in watch.caller("bob").get("/health/probe-templates").json()["results"]}
    assert {"upstream", "http", "postgresql", "github-webhook", "function"} <= set(found)
    token = next(one for one in found["github-webhook"]["fields"] if one["name"] == "token")
    assert (token["secret"], token["kind"]) == (True, "secret")
    assert found["function"]["fields"][0]["choices"] == []


@pytest.mark.django_db(transaction=True)
def test_check_now(watch: Watch, server: str) -> None:
    """An operator asks; what was found is recorded and judged."""
    probe = Probe.objects.create(component=watch.store, name="page", kind="http", address=server, successes_to_up=1)
    answer = watch.caller("ivan").post(f"/health/probes/{probe.pk}/check")
    assert answer.status_code == 200, answer.content
    shown = answer.json()
    assert (shown["probe"], shown["ok"], shown["counted"], shown["error"]) == (probe.pk, True, True, "")
    assert shown["metadata"]["status"] == 200
    assert Result.objects.unscoped().get().by_hand
    read = watch.caller("bob").get(f"/health/probes/{probe.pk}").json()
    assert (read["last"]["ok"], read["state"]) == (True, shown["state"])
    assert Event.objects.unscoped().get(verb="probe.checked").actor == "ivan"


@pytest.mark.django_db(transaction=True)
def test_a_paused_probe_is_asked_and_not_judged(watch: Watch, server: str) -> None:
    """A person sees what it finds; nothing is made of it."""
    probe = Probe.objects.create(component=watch.store, name="page", kind="http", address=server, enabled=False)
    shown = watch.caller("ivan").post(f"/health/probes/{probe.pk}/check").json()
    assert (shown["ok"], shown["counted"]) == (True, False)
    assert not Result.objects.unscoped().exists()
