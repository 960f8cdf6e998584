"""The audit page and the API of the log: whose events, which of them, page by page."""

from typing import Any

import pytest
from django.test import Client

from portal.events.record import record
from tests.support.people import People, make_people, make_token, make_upstream

pytestmark = pytest.mark.django_db


@pytest.fixture
def people() -> People:
    """alice, bob and charlie."""
    return make_people()


def browser(user: Any) -> Client:
    """Somebody's browser."""
    client = Client()
    client.force_login(user)
    return client


def write(organization: Any, verb: str = "upstream.paused", subject: str = "upstream:1", **more: Any) -> int:
    """One event."""
    return record(verb=verb, subject=subject, organization_id=organization.pk, **{"actor": "alice", **more}).pk


def ids(client: Client, query: str = "") -> list[int]:
    """The events that the page shows, in its order."""
    answer = client.get(f"/audit{query}")
    assert answer.status_code == 200, answer.content
    return [row.event.pk for row in answer.context["page"].rows]


def test_owner_and_team_mate_see_their_events_newest_first(people: People) -> None:
    """Members see what happened in their organization, a stranger sees other things, and nobody sees the portal's own."""
    ours = [write(people.tidewater) for _ in range(3)]
    theirs = write(people.northlight)
    record(verb="events.retained", subject="events:log", actor="breakwater")
    assert ids(browser(people.alice)) == ids(browser(people.bob)) == ours[::-1]
    assert ids(browser(people.charlie)) == [theirs]


def test_who_is_not_signed_in_goes_to_the_sign_in(people: People) -> None:
    """The page is for members."""
    assert Client().get("/audit").status_code == 302


def test_filters(people: People) -> None:
    """Verb (exact, or what it begins with), subject and actor narrow the list."""
    item = write(people.tidewater, "item.failed", "item:a", actor="carol")
    paused = write(people.tidewater)
    alice = browser(people.alice)
    assert ids(alice, "?verb=item.") == ids(alice, "?verb=item.failed") == ids(alice, "?subject=item:a") == [item]
    assert ids(alice, "?actor=carol") == [item]
    assert ids(alice, "?verb=item") == []
    assert ids(alice, "?verb=upstream.&actor=alice") == [paused]


def test_pages_meet_without_gaps(people: People) -> None:
    """Older and newer lead through all events once, also while new ones come."""
    wrote = [write(people.tidewater) for _ in range(120)]
    alice, seen, query, first = browser(people.alice), [], "", None
    while True:
        page = alice.get(f"/audit{query}").context["page"]
        seen += [row.event.pk for row in page.rows]
        first = first or page
        write(people.tidewater)
        if not page.before:
            break
        query = f"?before={page.before}"
    assert seen == wrote[::-1]
    assert page.after
    back = alice.get(f"/audit?after={page.after}").context["page"]
    assert [row.event.pk for row in back.rows] == seen[50:100]
    assert first.after == 0


def test_what_is_shown(people: People) -> None:
    """An event's sentence, upstream, actor and data stand in the row, escaped."""
    upstream = make_upstream(people.tidewater)
    data = {"reason": "<b>moved</b>", "upstream": upstream.pk}
    write(people.tidewater, subject=f"upstream:{upstream.pk}", data=data)
    page = browser(people.alice).get("/audit").content.decode()
    assert "The upstream was paused" in page
    assert "plans-api" in page
    assert "&lt;b&gt;moved&lt;/b&gt;" in page
    assert 'data-topics="events"' in page


@pytest.mark.parametrize("query", ["?before=x", "?after=-1", "?before=1e9", "?before=" + "9" * 30, "?verb=%00"])
def test_bad_addresses_are_refused(people: People, query: str) -> None:
    """A place that is none gives the page of a bad request."""
    assert browser(people.alice).get(f"/audit{query}").status_code == 400


def test_the_live_fragment_counts_what_is_new(people: People) -> None:
    """The live script learns how many events came since those that it shows; the rows themselves stay."""
    shown = write(people.tidewater)
    write(people.tidewater)
    write(people.northlight)
    headers = {"HX-Request": "true", "HX-Target": "live"}
    answer = browser(people.alice).get(f"/audit?shown={shown}", headers=headers).content.decode()
    assert 'data-added="1"' in answer
    assert "<html" not in answer


def test_the_api(people: People) -> None:
    """Programs read the same events in cursor pages; a stranger's token reads its own organization's only."""
    ours = [write(people.tidewater, data={"reason": "tea"}) for _ in range(3)]
    write(people.northlight)
    bearer = {"Authorization": f"Bearer {make_token(people.bob, people.tidewater)}"}
    first = Client().get("/api/v1/events?page_size=2", headers=bearer).json()
    assert [event["id"] for event in first["results"]] == ours[:0:-1]
    assert first["results"][0]["data"] == {"reason": "tea"}
    assert first["results"][0]["organization"] == "tidewater"
    rest = Client().get(first["next"], headers=bearer).json()
    assert [event["id"] for event in rest["results"]] == ours[:1]
    assert Client().get("/api/v1/events?verb=item.", headers=bearer).json()["results"] == []
    bad = Client().get("/api/v1/events?verb=%00", headers=bearer)
    assert (bad.status_code, bad.json()["errors"][0]["pointer"]) == (400, "?verb")
    assert Client().get("/api/v1/events").status_code == 401
