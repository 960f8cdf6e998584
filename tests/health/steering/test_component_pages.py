"""The pages of components, as plain forms without JavaScript."""

import json
from typing import Any

import pytest

from portal.events.models import Event
from portal.kit import clock
from resilience.health.models import Component, Outage
from tests.health.steering.conftest import Watch, said

NEW = {"organization": "tidewater", "name": "VPN", "slug": "vpn", "importance": "high", "parent": "", "run_book": ""}
BOOK = "https://wiki.example.org/store"


def settings(**fields: Any) -> dict[str, Any]:
    """What the settings' form sends."""
    return {"name": "User store", "importance": "normal", "parent": "", "run_book": "", "revision": "1", **fields}


def test_a_service_is_added(watch: Watch) -> None:
    """With an event, and the choice of a probe comes next."""
    alice = watch.browser("alice")
    assert alice.get("/settings/health/add").status_code == 200
    answer = alice.post("/settings/health/add", {**NEW, "parent": "store", "run_book": BOOK})
    vpn = Component.objects.get(slug="vpn")
    assert (answer.status_code, answer.headers["Location"]) == (302, f"/settings/health/components/{vpn.pk}/probes/add")
    assert (vpn.organization, vpn.importance, vpn.parent, vpn.run_book) == (
        watch.people.tidewater,
        "high",
        watch.store,
        BOOK,
    )
    event = Event.objects.unscoped().get(verb="component.added")
    assert (event.subject, event.actor) == (f"component:{vpn.pk}", "alice")


@pytest.mark.parametrize(
    ("fields", "field", "why"),
    [
        ({"slug": "UPPER"}, "slug", "small letters"),
        ({"slug": "store"}, "slug", "already"),
        ({"name": ""}, "name", "required"),
        ({"name": "a\x07b"}, "name", "one line"),
        ({"importance": "utmost"}, "importance", "valid choice"),
        ({"run_book": "javascript:alert(1)"}, "run_book", "https://"),
        ({"run_book": "https://anna:hush@wiki.example.org"}, "run_book", "password"),
        ({"run_book": "https://wiki.example.org/ a"}, "run_book", "spaces"),
        ({"run_book": "ftp://wiki.example.org"}, "run_book", "https://"),
        ({"run_book": "https://[::1"}, "run_book", "https://"),
        ({"parent": "northern"}, "parent", "valid choice"),
    ],
)
def test_what_is_refused_stays_in_the_form(watch: Watch, fields: dict[str, str], field: str, why: str) -> None:
    """Each with its sentence at its field, and nothing is added."""
    watch.component("northern", watch.people.northlight)
    answer = watch.browser("alice").post("/settings/health/add", NEW | fields)
    page = answer.content.decode()
    assert answer.status_code == 422
    assert f'id="id_{field}_error"' in page
    assert why in page
    assert (fields.get("name", "VPN") or 'name="name"') in page
    assert not Component.objects.filter(slug="vpn").exists()


def test_a_strangers_organization_is_refused(watch: Watch) -> None:
    """It is none of the choices, whoever sends it."""
    answer = watch.browser("alice").post("/settings/health/add", NEW | {"organization": "northlight"})
    assert (answer.status_code, "valid choice" in answer.content.decode()) == (422, True)


def test_settings_are_saved(watch: Watch) -> None:
    """And the event says what became of what; saving the same again changes nothing."""
    alice, path = watch.browser("alice"), f"/settings/health/components/{watch.store.pk}/edit"
    assert "User store" in alice.get(path).content.decode()
    fields = settings(name="Store", importance="critical", parent="plans-api", run_book=BOOK)
    assert said(alice.post(path, fields)) == "Store is saved."
    store = Component.objects.get(pk=watch.store.pk)
    assert (store.name, store.importance, store.parent, store.revision) == ("Store", "critical", watch.upstream, 2)
    event = Event.objects.unscoped().get(verb="component.updated")
    assert '"name":["User store","Store"]' in event.data
    alice.post(path, {**fields, "revision": "2"})
    assert Component.objects.get(pk=watch.store.pk).revision == 2


def test_an_upstream_is_named_and_slugged_where_it_lives(watch: Watch) -> None:
    """Its settings offer no name, and what feeds its breaker is its own question."""
    alice, path = watch.browser("alice"), f"/settings/health/components/{watch.upstream.pk}/edit"
    page = alice.get(path).content.decode()
    assert 'name="name"' not in page
    assert 'name="feeds_breaker"' in page
    alice.post(path, {"importance": "normal", "parent": "", "run_book": "", "feeds_breaker": "on", "revision": "1"})
    assert Component.objects.get(pk=watch.upstream.pk).feeds_breaker


def test_somebody_else_was_faster(watch: Watch) -> None:
    """The second of two who save is told so, and keeps what was typed."""
    alice, path = watch.browser("alice"), f"/settings/health/components/{watch.store.pk}/edit"
    alice.post(path, settings(importance="high"))
    answer = alice.post(path, settings(run_book=BOOK))
    assert answer.status_code == 422
    assert "changed meanwhile" in answer.content.decode()
    assert BOOK in answer.content.decode()


def test_no_component_is_its_own_ancestor(watch: Watch) -> None:
    """What stands below it is not offered, and refused where it is sent all the same."""
    child = watch.component("child", parent=watch.store)
    watch.component("grandchild", parent=child)
    alice, path = watch.browser("alice"), f"/settings/health/components/{watch.store.pk}/edit"
    page = alice.get(path).content.decode()
    assert '<option value="plans-api">' in page
    assert not [slug for slug in ("store", "child", "grandchild") if f'<option value="{slug}">' in page]
    answer = alice.post(path, settings(parent="grandchild"))
    assert answer.status_code == 422
    assert Component.objects.get(pk=watch.store.pk).parent is None


def test_removing_asks_for_the_name(watch: Watch) -> None:
    """And takes everything along; children have no parent then."""
    child = watch.component("child", parent=watch.store)
    alice, path = watch.browser("alice"), f"/settings/health/components/{watch.store.pk}/remove"
    assert alice.post(path, {"typed": "store"}).status_code == 422
    assert Component.objects.filter(pk=watch.store.pk).exists()
    assert alice.post(path, {"typed": "User store"}).status_code == 302
    assert not Component.objects.filter(pk=watch.store.pk).exists()
    child.refresh_from_db()
    assert child.parent is None
    assert Event.objects.unscoped().get(verb="component.removed").subject == f"component:{watch.store.pk}"


def test_removing_what_is_out_says_so_and_closes_the_outage(watch: Watch) -> None:
    """Before it is asked for, and by an event that stays when the outage's page is gone."""
    now = clock.now()
    outage = Outage.objects.create(component=watch.store, began_at=now, noticed_at=now, severity="minor")
    alice, path = watch.browser("alice"), f"/settings/health/components/{watch.store.pk}/remove"
    assert "goes on; it is closed" in alice.get(path).content.decode()
    assert alice.post(path, {"typed": "User store"}).status_code == 302
    closed = Event.objects.unscoped().get(verb="outage.closed")
    assert (closed.subject, closed.actor) == (f"outage:{outage.pk}", "alice")
    assert json.loads(closed.data)["reason"] == "User store was removed."


def test_an_upstreams_component_stays(watch: Watch) -> None:
    """It is watched as long as it exists."""
    answer = watch.browser("alice").post(
        f"/settings/health/components/{watch.upstream.pk}/remove", {"typed": "Plans API"}
    )
    assert answer.status_code == 422
    assert "as long as it exists" in answer.content.decode()


@pytest.mark.parametrize("what", ["edit", "remove"])
@pytest.mark.parametrize(("who", "status"), [("bob", 403), ("ivan", 403), ("charlie", 404)])
def test_only_admins_steer(watch: Watch, who: str, status: int, what: str) -> None:
    """A team mate is refused, a stranger finds nothing."""
    path = f"/settings/health/components/{watch.store.pk}/{what}"
    client = watch.browser(who)
    fields = settings(importance="high") if what == "edit" else {"typed": "User store"}
    assert (client.get(path).status_code, client.post(path, fields).status_code) == (status, status)
    assert Component.objects.get(pk=watch.store.pk).revision == 1


def test_nobody_but_an_admin_adds(watch: Watch) -> None:
    """bob belongs to no organization that he administers."""
    assert watch.browser("bob").get("/settings/health/add").status_code == 403
    assert watch.browser("ivan").post("/settings/health/add", NEW).status_code == 403


def test_breakwater_itself_is_nobodys(watch: Watch) -> None:
    """Everybody may read it, nobody changes it."""
    itself = Component.objects.create(slug="breakwater", name="Breakwater")
    for what in ("edit", "remove", "probes/add"):
        assert watch.browser("alice").get(f"/settings/health/components/{itself.pk}/{what}").status_code == 403


def test_markup_in_names_is_text(watch: Watch) -> None:
    """On every page that shows them."""
    evil = "<script>alert(1)</script>"
    parent = watch.component("evil", name=evil)
    watch.answers.__class__.objects.create(component=parent, name=evil, kind="tcp", address="127.0.0.1:1")
    alice = watch.browser("alice")
    probe = parent.probes.get()
    for path in (
        f"components/{watch.store.pk}/edit",
        f"components/{parent.pk}/edit",
        f"components/{parent.pk}/remove",
        f"components/{parent.pk}/probes/add",
        f"components/{parent.pk}/probes/add/http",
        f"probes/{probe.pk}/edit",
        f"probes/{probe.pk}/remove",
    ):
        answer = alice.get(f"/settings/health/{path}")
        assert answer.status_code == 200, path
        assert evil not in answer.content.decode(), path
        assert "&lt;script&gt;alert(1)" in answer.content.decode(), path
