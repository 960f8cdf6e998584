"""The pages of probes, as plain forms without JavaScript, and the check in its place with htmx."""

import json
import re
from itertools import groupby
from typing import Any

import pytest
from django.test import Client

from portal.events.models import Event
from portal.kit.masking import MASK
from resilience.health.core.draft import MOST_OF_COMPONENT
from resilience.health.models import Probe, Result
from resilience.health.targets.functions import forget_function, register_function
from resilience.health.targets.templates import templates
from tests.health.steering.conftest import Watch, said

PLAIN = {"interval": "", "timeout": "", "slow_after_ms": "", "failures_to_down": "3", "successes_to_up": "2"}
HTTP = {
    "name": "status page",
    "value-url": "https://status.example.org/v1",
    "value-method": "GET",
    "value-status": "200",
    **PLAIN,
}
SQL = {
    "name": "answers queries",
    "value-address": "db.example.org:5432/users",
    "value-user": "monitor",
    "value-password": "hush-hush",
    "value-sslmode": "prefer",
    **PLAIN,
}


def add(watch: Watch, template: str, fields: dict[str, Any], *, who: str = "alice") -> Any:
    """The answer to the form of a new probe of the store."""
    return watch.browser(who).post(f"/settings/health/components/{watch.store.pk}/probes/add/{template}", fields)


def stored(watch: Watch) -> Probe:
    """A probe of the store that keeps a password, made of a template."""
    assert add(watch, "postgresql", SQL).status_code == 302
    return watch.store.probes.get()


def save(watch: Watch, probe: Probe, **fields: Any) -> Any:
    """The answer to the form of a probe that is there."""
    probe.refresh_from_db()
    known = {"value-password": "", "interval": "30", "timeout": "10", "enabled": "on", "revision": str(probe.revision)}
    return watch.browser("alice").post(f"/settings/health/probes/{probe.pk}/edit", {**SQL, **known, **fields})


def test_every_template_has_its_form(watch: Watch) -> None:
    """All are offered, and each form asks for what its template wants."""
    alice = watch.browser("alice")
    offered = alice.get(f"/settings/health/components/{watch.upstream.pk}/probes/add").content.decode()
    for one in templates():
        assert f"/probes/add/{one.name}" in offered
        page = alice.get(f"/settings/health/components/{watch.upstream.pk}/probes/add/{one.name}")
        assert page.status_code == 200, one.name
        assert all(f'name="value-{field.name}"' in page.content.decode() for field in one.fields), one.name
        assert f"<h1>Add a probe: {one.title}</h1>" in page.content.decode()
    assert "/probes/add/upstream" in offered
    assert (
        "/probes/add/upstream"
        not in alice.get(f"/settings/health/components/{watch.store.pk}/probes/add").content.decode()
    )
    assert alice.get(f"/settings/health/components/{watch.store.pk}/probes/add/nothing").status_code == 404


def test_secrets_of_a_form_follow_each_other(watch: Watch) -> None:
    """With text fields between them a browser takes them for those of several forms, and complains in its console."""
    for one in templates():
        page = watch.browser("alice").get(f"/settings/health/components/{watch.store.pk}/probes/add/{one.name}")
        kinds = re.findall(r'<input type="(text|password)"', page.content.decode().partition("<main")[2])
        assert len([kind for kind, _run in groupby(kinds) if kind == "password"]) <= 1, one.name


def test_a_probe_of_a_template(watch: Watch) -> None:
    """Its secret is kept encrypted, shown nowhere, and told in no event."""
    probe = stored(watch)
    assert (probe.kind, probe.address, probe.options) == (
        "postgresql",
        "db.example.org:5432/users",
        {"user": "monitor"},
    )
    assert (probe.template, probe.interval, probe.timeout, probe.slow_after_ms) == ("postgresql", 30.0, 10.0, 1000)
    assert probe.read_secret() == {"password": "hush-hush"}
    assert "hush-hush" not in probe.secret
    assert "hush" not in str(probe.values)
    page = watch.browser("alice").get(f"/settings/health/probes/{probe.pk}/edit").content.decode()
    assert "hush-hush" not in page
    assert "Set on" in page
    event = Event.objects.unscoped().get(verb="probe.added", subject=f"probe:{probe.pk}")
    assert (event.actor, "hush" in event.data) == ("alice", False)


@pytest.mark.parametrize(
    ("fields", "field", "why"),
    [
        ({"name": ""}, "name", "Name is missing. Enter it."),
        ({"value-url": ""}, "value-url", "is missing. Enter it, such as https://"),
        ({"failures_to_down": ""}, "failures_to_down", "Down after so many failures in a row: enter a number."),
        ({"value-url": "ftp://x"}, "value-url", "http"),
        ({"value-url": "http://10.0.0.1/x"}, "value-url", "BREAKWATER_ALLOWED_NETWORKS=10.0.0.1/32"),
        ({"value-url": "http://169.254.169.254/"}, "value-url", "metadata"),
        ({"value-url": "http://0xa000001/"}, "value-url", "10.0.0.1"),
        ({"value-url": "http://[::ffff:10.0.0.1]/"}, "value-url", "BREAKWATER_ALLOWED_NETWORKS=10.0.0.1/32"),
        ({"value-url": "http://[fd00::1]/"}, "value-url", "BREAKWATER_ALLOWED_NETWORKS=fd00::1/128"),
        ({"value-status": "twice"}, "value-status", "A status is"),
        ({"value-matches": "(a"}, "value-matches", "error_"),
        ({"value-headers": "no colon"}, "value-headers", "colon"),
        ({"value-json_pointer": "x", "value-json_op": "exists"}, "value-json_pointer", "slash"),
        ({"interval": "4"}, "interval", "from 5 to 86400"),
        ({"interval": "nan"}, "interval", "number"),
        ({"interval": "20", "timeout": "20"}, "timeout", "shorter than the interval"),
        ({"slow_after_ms": "10000"}, "slow_after_ms", "before the timeout"),
        ({"failures_to_down": "21"}, "failures_to_down", "from 1 to 20"),
        ({"successes_to_up": "0"}, "successes_to_up", "from 1 to 20"),
    ],
)
def test_what_is_refused_stays_in_the_form(watch: Watch, fields: dict[str, str], field: str, why: str) -> None:
    """Each with its sentence at its field, everything else as it was typed, and nothing is added."""
    answer = add(watch, "http", {**HTTP, "value-contains": "all systems go", **fields})
    page = answer.content.decode()
    assert answer.status_code == 422
    start = page.index(f'id="id_{field}_error"')
    if why != "error_":
        assert why in page[start : start + 900]
    assert "all systems go" in page
    assert not watch.store.probes.exists()


def test_two_probes_of_one_name(watch: Watch) -> None:
    """Are refused within a component."""
    stored(watch)
    answer = add(watch, "postgresql", SQL)
    assert (answer.status_code, "already" in answer.content.decode()) == (422, True)


def test_a_component_has_so_many_probes(watch: Watch) -> None:
    """One more is refused with what to do."""
    Probe.objects.bulk_create(
        Probe(component=watch.store, name=f"p{n}", kind="memory") for n in range(MOST_OF_COMPONENT)
    )
    answer = add(watch, "http", HTTP)
    assert (answer.status_code, "at most 50 probes" in answer.content.decode()) == (422, True)


def test_a_function_is_chosen_by_its_name(watch: Watch) -> None:
    """Only those that code registered are offered, and none of Breakwater's own."""
    register_function("stock", lambda: True)
    try:
        path = f"/settings/health/components/{watch.store.pk}/probes/add/function"
        page = watch.browser("alice").get(path).content.decode()
        assert '<option value="stock">' in page
        assert "breakwater-workers" not in page
        fields = {"name": "stock", "value-function": "os.system", **PLAIN}
        assert add(watch, "function", fields).status_code == 422
        assert add(watch, "function", {**fields, "value-function": "stock"}).status_code == 302
    finally:
        forget_function("stock")
    assert watch.store.probes.get().address == "stock"


def test_what_is_saved_again_changes_nothing(watch: Watch) -> None:
    """The form shows what it was made of, so saving it as it stands keeps the probe, and its secret, as they are."""
    probe = stored(watch)
    assert save(watch, probe, slow_after_ms="1000").status_code == 302
    probe.refresh_from_db()
    assert (probe.revision, probe.read_secret()) == (1, {"password": "hush-hush"})


def test_a_probe_is_changed_in_the_form_that_made_it(watch: Watch) -> None:
    """A secret that is left empty stays; the event tells what changed and no secret."""
    probe = stored(watch)
    answer = save(watch, probe, **{"value-user": "reader", "interval": "60", "slow_after_ms": "1000"})
    assert said(answer) == "answers queries is saved."
    probe.refresh_from_db()
    assert (probe.options, probe.interval, probe.revision) == ({"user": "reader"}, 60.0, 2)
    assert probe.read_secret() == {"password": "hush-hush"}
    event = Event.objects.unscoped().get(verb="probe.updated")
    assert '"interval":[30.0,60.0]' in event.data
    assert "hush" not in event.data


def test_secrets_do_not_follow_a_probe_elsewhere(watch: Watch) -> None:
    """Another host clears them, and says so."""
    probe = stored(watch)
    answer = save(watch, probe, **{"value-address": "evil.example.org:5432/users"})
    assert "secrets were cleared" in said(answer)
    probe.refresh_from_db()
    assert (probe.address, probe.read_secret(), probe.secret_set_at) == ("evil.example.org:5432/users", {}, None)


def test_somebody_else_was_faster(watch: Watch) -> None:
    """The second of two who save is told so."""
    probe = stored(watch)
    save(watch, probe, interval="60")
    answer = save(watch, probe, interval="90", revision="1")
    assert (answer.status_code, "changed meanwhile" in answer.content.decode()) == (422, True)


def test_what_the_prober_writes_is_left_alone(watch: Watch) -> None:
    """A form that was opened before a result came does not take the result back."""
    probe = stored(watch)
    Probe.objects.filter(pk=probe.pk).update(state="down", failures=3, runs=7)
    save(watch, probe, interval="60")
    probe.refresh_from_db()
    assert (probe.state, probe.failures, probe.runs, probe.interval) == ("down", 3, 7, 60.0)


def test_pausing_and_resuming(watch: Watch) -> None:
    """One button each, with an event."""
    probe, alice = watch.answers, watch.browser("alice")
    assert "is paused" in said(alice.post(f"/settings/health/probes/{probe.pk}/pause"))
    probe.refresh_from_db()
    assert not probe.enabled
    assert "runs again" in said(alice.post(f"/settings/health/probes/{probe.pk}/resume"))
    probe.refresh_from_db()
    assert probe.enabled
    assert Event.objects.unscoped().filter(verb="probe.updated").count() == 2


def test_removing_asks_for_the_name(watch: Watch) -> None:
    """And leads back to the component."""
    probe, alice = watch.answers, watch.browser("alice")
    path = f"/settings/health/probes/{probe.pk}/remove"
    assert alice.post(path, {"typed": "no"}).status_code == 422
    answer = alice.post(path, {"typed": "answers"})
    assert answer.headers["Location"] == f"/settings/health/components/{watch.upstream.pk}/edit"
    assert not Probe.objects.filter(pk=probe.pk).exists()
    assert Event.objects.unscoped().get(verb="probe.removed").subject == f"probe:{probe.pk}"


def test_by_hand(watch: Watch) -> None:
    """For what no template does: the kind, and its options as JSON; what looks like a secret is shown masked and stays."""
    fields = {
        "name": "by hand",
        "kind": "http",
        "address": "https://api.example.org/x?token=s3cr3t-s3cr3t",
        "options": '{"headers": {"X-Api-Key": "k-123456"}, "status": "2xx"}',
        "secret": '{"credentials": {"type": "bearer", "token": "t-98765"}}',
        **PLAIN,
    }
    assert add(watch, "by-hand", fields).status_code == 302
    probe = watch.store.probes.get()
    alice, path = watch.browser("alice"), f"/settings/health/probes/{probe.pk}/edit"
    page = alice.get(path).content.decode()
    assert not [secret for secret in ("k-123456", "s3cr3t-s3cr3t", "t-98765") if secret in page]
    masked = {
        **fields,
        "address": f"https://api.example.org/x?token={MASK}",
        "options": json.dumps({"headers": {"X-Api-Key": MASK}, "status": "200"}),
        "secret": "",
        "enabled": "on",
        "revision": "1",
    }
    assert alice.post(path, masked).status_code == 302
    probe.refresh_from_db()
    assert probe.options == {"headers": {"X-Api-Key": "k-123456"}, "status": "200"}
    assert probe.address == fields["address"]
    assert probe.read_secret()["credentials"]["token"] == "t-98765"
    elsewhere = {**masked, "address": "https://evil.example.org/", "revision": "2"}
    answer = alice.post(path, elsewhere)
    assert (answer.status_code, "Enter the value again" in answer.content.decode()) == (422, True)


@pytest.mark.parametrize(
    ("fields", "field", "why"),
    [
        ({"options": "{"}, "options", "not valid JSON"),
        ({"options": "[1]"}, "options", "object"),
        ({"options": '{"no": 1}'}, "options", "no such option"),
        ({"secret": '{"no": 1}'}, "secret", "no such option"),
        ({"address": ""}, "address", "needs an address"),
        ({"kind": "telepathy"}, "kind", "valid choice"),
        ({"kind": ""}, "kind", "Kind is missing. Choose one."),
    ],
)
def test_by_hand_is_judged_too(watch: Watch, fields: dict[str, str], field: str, why: str) -> None:
    """Each fault at its field, with its place within the JSON."""
    whole = {"name": "x", "kind": "http", "address": "https://x.example.org", "options": "{}", "secret": "", **PLAIN}
    answer = add(watch, "by-hand", whole | fields)
    page = answer.content.decode()
    assert answer.status_code == 422
    assert why in page[page.index(f'id="id_{field}_error"') :][:900]


@pytest.mark.parametrize("what", ["edit", "remove", "pause", "resume"])
@pytest.mark.parametrize(("who", "status"), [("bob", 403), ("ivan", 403), ("charlie", 404)])
def test_only_admins_steer(watch: Watch, who: str, status: int, what: str) -> None:
    """A team mate is refused, a stranger finds nothing."""
    client, path = watch.browser(who), f"/settings/health/probes/{watch.answers.pk}/{what}"
    assert client.post(path, {"typed": "answers"}).status_code == status
    if what in ("edit", "remove"):
        assert client.get(path).status_code == status
    assert watch.answers.revision == 1
    assert add(watch, "http", HTTP, who=who).status_code == status


def asks_itself(watch: Watch, server: str) -> Probe:
    """A probe of the store that asks a server on this machine."""
    return Probe.objects.create(component=watch.store, name="page", kind="http", address=server)


@pytest.mark.django_db(transaction=True)
def test_check_now(watch: Watch, server: str) -> None:
    """An operator sees on a page what was found; it is recorded."""
    probe = asks_itself(watch, server)
    answer = watch.browser("ivan").post(f"/settings/health/probes/{probe.pk}/check", {"next": "/settings/health"})
    page = answer.content.decode()
    assert answer.status_code == 200
    assert "Well." in page
    assert "<h1>What page found</h1>" in page
    assert 'href="/settings/health"' in page
    result = Result.objects.unscoped().get()
    assert (result.probe, result.ok, result.by_hand) == (probe, True, True)
    assert Event.objects.unscoped().get(verb="probe.checked").actor == "ivan"


@pytest.mark.django_db(transaction=True)
def test_check_now_in_its_place(watch: Watch, server: str) -> None:
    """With htmx, only what was found comes back."""
    probe = asks_itself(watch, server)
    headers = {"HX-Request": "true", "HX-Target": f"finding-{probe.pk}"}
    page = watch.browser("ivan").post(f"/settings/health/probes/{probe.pk}/check", headers=headers).content.decode()
    assert "Well." in page
    assert "<h1>" not in page


def test_the_component_shows_no_secret_in_an_address(watch: Watch) -> None:
    """Members read its page, where its probes are checked in their place."""
    address = "https://api.example.org/x?token=s3cr3t-s3cr3t"
    Probe.objects.create(component=watch.store, name="page", kind="http", address=address)
    for who in ("bob", "ivan"):
        page = watch.browser(who).get("/settings/health/tidewater/store").content.decode()
        assert "api.example.org" in page
        assert "s3cr3t" not in page
        assert ('hx-target="#finding"' in page) is (who == "ivan")


@pytest.mark.django_db(transaction=True)
def test_a_way_back_leads_nowhere_else(watch: Watch, server: str) -> None:
    """Whatever the form says."""
    probe = asks_itself(watch, server)
    answer = watch.browser("ivan").post(
        f"/settings/health/probes/{probe.pk}/check", {"next": "https://evil.example.org/"}
    )
    assert "evil.example.org" not in answer.content.decode()
    assert "/settings/health/tidewater/store" in answer.content.decode()


@pytest.mark.parametrize(("who", "status"), [("bob", 403), ("charlie", 404)])
def test_who_may_not_operate_checks_nothing(watch: Watch, who: str, status: int) -> None:
    """A viewer is refused, a stranger finds nothing."""
    assert watch.browser(who).post(f"/settings/health/probes/{watch.answers.pk}/check").status_code == status
    assert Client().post(f"/settings/health/probes/{watch.answers.pk}/check").status_code == 302
    assert not Result.objects.unscoped().exists()
