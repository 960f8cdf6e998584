"""The pages of upstreams and kinds, as plain forms without JavaScript."""

from typing import Any

import pytest
from django.contrib.messages import get_messages
from django.http import HttpResponse
from django.test import Client

from portal.kit.masking import MASK
from resilience.upstreams.models import Upstream
from tests.support.people import People, make_upstream

FORM: dict[str, Any] = {
    "organization": "tidewater",
    "name": "Plans API",
    "slug": "plans-api",
    "adapter": "json-http",
    "address": "http://127.0.0.1:8888/v1",
    "credentials_type": "basic",
    "credentials_username": "anna",
    "credentials_password": "hush-hush",
    "headers": "X-Client: breakwater\nX-Api-Key: k-123\n",
    "routes": '{"plan": {"path": "/plans/{id}"}}',
    "version": "etag",
    "timeout": "10",
    "in_flight_limit": "8",
    "failed_head": "hold",
    "policy": "ai",
}


@pytest.fixture
def alice(people: People) -> Client:
    """alice's browser."""
    client = Client()
    client.force_login(people.alice)
    return client


def browser(user: Any) -> Client:
    """Somebody's browser."""
    client = Client()
    client.force_login(user)
    return client


def said(response: HttpResponse) -> str:
    """The messages that the next page shows."""
    return " ".join(str(message) for message in get_messages(response.wsgi_request))  # type: ignore[attr-defined]


def test_add(alice: Client) -> None:
    """The form is shown, sent, and leads to the upstream's page, which never shows a secret."""
    assert alice.get("/settings/upstreams/add").status_code == 200
    response = alice.post("/settings/upstreams/add", FORM)
    upstream = Upstream.objects.get()
    assert (response.status_code, response.headers["Location"]) == (302, f"/settings/upstreams/{upstream.pk}")
    assert upstream.read_credentials() == {"type": "basic", "username": "anna", "password": "hush-hush"}
    assert upstream.policy == "ai"
    page = alice.get(response.headers["Location"]).content.decode()
    assert "hush-hush" not in page
    assert "k-123" not in page
    assert MASK in page
    assert "set on" in page
    assert "plans-api" in alice.get("/settings/upstreams").content.decode()


@pytest.mark.parametrize(
    ("fields", "field", "why"),
    [
        ({"slug": "UPPER"}, "slug", "small letters"),
        ({"name": ""}, "name", "required"),
        ({"policy": "strict"}, "policy", "not one of the available choices"),
        ({"address": "ftp://x"}, "address", "https://"),
        ({"headers": "Host: x"}, "headers", "Breakwater sets this header itself"),
        ({"headers": "no colon"}, "headers", "no colon"),
        ({"headers": "X-A: 1\nX-A: 2"}, "headers", "twice"),
        ({"routes": "{"}, "routes", "not valid JSON"),
        ({"routes": "{}"}, "routes", "its route"),
        ({"routes": '{"plan": {"path": "/plans"}}'}, "routes", "/plan/path"),
        ({"credentials_type": "bearer"}, "credentials_token", "needed"),
        ({"timeout": "0"}, "timeout", "seconds"),
        ({"in_flight_limit": "many"}, "in_flight_limit", "whole number"),
    ],
)
def test_what_is_refused_stays_in_the_form(alice: Client, fields: dict[str, Any], field: str, why: str) -> None:
    """The page comes back with the reason at the field, and what was typed (but for secrets)."""
    response = alice.post("/settings/upstreams/add", FORM | fields)
    assert response.status_code == 422
    assert why in str(response.context["form"].errors[field])
    page = response.content.decode()
    assert "127.0.0.1" in page or "address" in fields
    assert "hush-hush" not in page
    assert not Upstream.objects.exists()


def test_change(alice: Client) -> None:
    """Saving the form as it was shown changes nothing; another address clears the credentials and says so."""
    alice.post("/settings/upstreams/add", FORM)
    upstream = Upstream.objects.get()
    page = f"/settings/upstreams/{upstream.pk}"
    shown = alice.get(page).context["form"]
    same = {name: shown[name].value() for name in shown.fields if shown[name].value() is not None}
    same.pop("critical")
    assert alice.post(page, same).status_code == 302
    assert Upstream.objects.get().revision == 1
    refused = alice.post(page, same | {"address": "http://127.0.0.1:9999/v1"})
    assert "Enter the value again" in str(refused.context["form"].errors["headers"])
    moved = alice.post(page, same | {"address": "http://127.0.0.1:9999/v1", "headers": ""})
    assert "credentials were cleared" in said(moved)
    assert Upstream.objects.get().read_credentials() == {"type": "none"}
    stale = alice.post(page, same | {"timeout": "5", "credentials_type": "none"})
    assert stale.status_code == 422
    assert "meanwhile" in stale.content.decode()


def test_pause_resume_and_test(alice: Client, people: People) -> None:
    """Each is a form that leads back to the page with a sentence."""
    upstream = make_upstream(people.tidewater)
    page = f"/settings/upstreams/{upstream.pk}"
    assert "Say why" in said(alice.post(f"{page}/pause", {"reason": " "}))
    assert "is paused" in said(alice.post(f"{page}/pause", {"reason": "Moving <b>house</b>"}))
    shown = alice.get(page).content.decode()
    assert "Moving &lt;b&gt;house&lt;/b&gt;" in shown
    assert "Paused" in alice.get("/settings/upstreams").content.decode()
    assert "sent to again" in said(alice.post(f"{page}/resume"))
    assert "did not accept the connection" in said(alice.post(f"{page}/test"))


def test_what_others_see(people: People) -> None:
    """A team mate reads and cannot change, a stranger finds nothing, and one who is not signed in signs in first."""
    upstream = make_upstream(people.tidewater)
    page = f"/settings/upstreams/{upstream.pk}"
    bob, charlie, nobody = browser(people.bob), browser(people.charlie), Client()
    shown = bob.get(page)
    assert shown.status_code == 200
    assert "<form" not in shown.content.decode().split("<main")[1].split("</main")[0]
    assert bob.get("/settings/upstreams/add").status_code == 403
    assert "Plans API" not in charlie.get("/settings/upstreams").content.decode()
    for path in ("", "/test", "/pause", "/resume"):
        data = {**FORM, "reason": "x"}
        assert bob.post(page + path, data).status_code == 403, path
        assert charlie.post(page + path, data).status_code == 404, path
        assert nobody.post(page + path, data).headers["Location"].startswith("/login"), path
    assert charlie.get(page).status_code == 404
    assert Upstream.objects.get().revision == 1


def test_nothing_yet(alice: Client) -> None:
    """An empty list says what would stand there and how to make it."""
    page = alice.get("/settings/upstreams").content.decode()
    assert "No upstream yet." in page
    assert "/settings/upstreams/add" in page


def test_kinds(alice: Client) -> None:
    """Every registered kind is listed with its schema."""
    page = alice.get("/settings/kinds").content.decode()
    assert "plan_edit" in page
    assert "acceptance_criteria" in page
    assert Client().get("/settings/kinds").status_code == 302
