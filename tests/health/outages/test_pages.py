"""The pages of outages, as plain forms without JavaScript."""

import re
from datetime import timedelta
from typing import Any

import pytest
from django.http import HttpResponse
from django.test import Client
from django.utils.html import escape

from portal.kit import clock
from portal.kit.viewer import Role, Viewer
from resilience.breakers.models import Transition
from resilience.breakers.store import Store
from resilience.health import words
from resilience.health.actions.close_outage import close_outage
from resilience.health.models import Component, Flip, Note, Outage
from resilience.health.outage_serializers import represent
from resilience.upstreams.models import Upstream
from tests.support.people import People, make_upstream

EVIL = "<script>alert(1)</script>"
HOUR = timedelta(hours=1)


def browser(user: Any) -> Client:
    """Somebody's browser."""
    client = Client()
    client.force_login(user)
    return client


@pytest.fixture
def owner(people: People) -> Client:
    """alice's browser."""
    return browser(people.alice)


@pytest.fixture
def outage(upstream: Upstream) -> Outage:
    """One that opened by itself an hour ago."""
    now = clock.now()
    component = Component.objects.get(upstream=upstream)
    return Outage.objects.create(
        component=component,
        began_at=now - HOUR,
        noticed_at=now - HOUR / 2,
        severity="critical",
        cause=f"timeout {EVIL}",
        expected_at=now - HOUR / 4,
        expected_source="past",
        expected_low=600,
        expected_high=3_600,
        expected_of=6,
        most_waiting=125,
    )


def text(answer: HttpResponse, status: int = 200) -> str:
    """The page, which nobody keeps."""
    assert answer.status_code == status, answer.content.decode()[:2_000]
    return answer.content.decode()


def local(**ahead: float) -> str:
    """A moment as the browser's field sends it; tests read in UTC."""
    return (clock.now() + timedelta(**ahead)).strftime("%Y-%m-%dT%H:%M")


def test_record(owner: Client, upstream: Upstream) -> None:
    """The form offers the components, keeps what is refused, and leads to the outage."""
    component = Component.objects.get(upstream=upstream)
    page = text(owner.get(f"/settings/health/outages/record?component={component.pk}"))
    assert f'<option value="{component.pk}" selected>' in page
    said = {"component": component.pk, "severity": "major", "cause": f"Vendor {EVIL}", "began_at": local(hours=2)}
    refused = text(owner.post("/settings/health/outages/record", said), 422)
    assert "still to come" in refused
    assert escape(f"Vendor {EVIL}") in refused
    assert EVIL not in refused
    answer = owner.post(
        "/settings/health/outages/record", said | {"began_at": local(hours=-1), "expected_at": local(hours=1)}
    )
    made = Outage.objects.get()
    assert (answer.status_code, answer.headers["Location"]) == (302, f"/settings/health/outages/{made.pk}")
    assert (made.opened_by, made.expected_source) == ("alice", "person")


def test_record_where_one_goes_on(owner: Client, outage: Outage) -> None:
    """The page says so, with the way there, and keeps what was typed."""
    said = {"component": outage.component_id, "severity": "minor", "cause": "What I typed"}
    page = text(owner.post("/settings/health/outages/record", said), 422)
    assert f'href="/settings/health/outages/{outage.pk}"' in page
    assert "What I typed" in page


def test_where_nothing_is_watched_there_is_nothing_to_record(owner: Client) -> None:
    """No form that cannot be sent, but where to begin."""
    page = text(owner.get("/settings/health/outages/record"))
    assert "Nothing is watched yet." in page
    assert 'name="component"' not in page
    assert 'href="/settings/upstreams"' in page[page.index("Nothing is watched yet.") :]


@pytest.mark.parametrize(
    "fields",
    [{"component": ""}, {"component": "999999"}, {"component": "x"}, {"severity": "bad"}, {"began_at": "soon"}],
)
def test_what_cannot_be_recorded(owner: Client, upstream: Upstream, fields: dict[str, str]) -> None:
    """422 with the fault at its field, and nothing is stored."""
    component = Component.objects.get(upstream=upstream)
    said = {"component": str(component.pk), "severity": "major"} | fields
    page = text(owner.post("/settings/health/outages/record", said), 422)
    assert 'aria-invalid="true"' in page
    assert ("Choose which component is out." in page) == (fields == {"component": ""})
    assert not Outage.objects.exists()


def test_the_story(owner: Client, outage: Outage) -> None:
    """What is known, what was expected, and what happened, all markup of others as text."""
    component = outage.component
    component.run_book = "https://wiki.example.org/down"
    component.save()
    Flip.objects.create(
        component=component,
        at=outage.began_at,
        noticed_at=outage.noticed_at,
        before="up",
        after="down",
        reason=f"boom {EVIL}",
    )
    long_before = outage.began_at - timedelta(minutes=3)
    Flip.objects.create(
        component=component, at=long_before, noticed_at=long_before, before="up", after="down", reason="Long before."
    )
    assert component.upstream_id is not None
    Store().ensure([component.upstream_id])
    Transition.objects.create(
        breaker_id=component.upstream_id,
        at=outage.noticed_at,
        before="closed",
        after="open",
        cause="trip",
        reason=f"5 failures {EVIL}",
    )
    Note.objects.create(outage=outage, author="bob", text=f"Two\nlines {EVIL}")
    page = text(owner.get(f"/settings/health/outages/{outage.pk}"))
    assert EVIL not in page
    assert f"timeout {escape(EVIL)}" in page
    assert f"Two<br>lines {escape(EVIL)}" in page
    assert f"Plans API is down. boom {escape(EVIL)}" in page
    assert f"Breaker opened: 5 failures {escape(EVIL)}." in page
    assert "Long before" not in page
    assert "overdue" in page
    assert "median of 6 past outages" in page
    assert "severity critical" in page
    assert 'href="https://wiki.example.org/down"' in page
    assert "Close outage…" in page


def test_updates_and_what_is_expected(owner: Client, outage: Outage) -> None:
    """Both are written on the page of the outage, and stand in its story with what was said before."""
    path = f"/settings/health/outages/{outage.pk}"
    assert owner.post(f"{path}/note", {"text": "They replace a disk."}).headers["Location"] == path
    assert owner.post(f"{path}/expect", {"at": local(hours=1), "text": "They say so."}).status_code == 302
    page = text(owner.get(path))
    assert "They replace a disk." in page
    assert "They say so." in page
    assert "Before: " in page
    refused = text(owner.post(f"{path}/expect", {"at": local(hours=-1), "text": "kept"}), 422)
    assert "This moment is past" in refused
    assert 'value="kept"' in refused
    assert "Write what is new" not in text(owner.get(path))
    assert text(owner.post(f"{path}/note", {"text": " "}), 422)
    assert Note.objects.count() == 1


def test_close(owner: Client, outage: Outage) -> None:
    """It says what follows, wants a reason, and is over afterwards, with no form that acts on it."""
    path = f"/settings/health/outages/{outage.pk}"
    page = text(owner.get(f"{path}/close"))
    assert "ends by itself" in page
    assert "although_failing" not in page
    assert text(owner.post(f"{path}/close", {"reason": " "}), 422)
    assert owner.post(f"{path}/close", {"reason": "The vendor is back."}).headers["Location"] == path
    over = text(owner.get(path))
    assert "plans-api was out" not in over  # the name, not the slug
    assert "Plans API was out for 1" in over
    assert "closed by alice" in over
    assert "Close outage…" not in over
    assert "The vendor is back." in over


def test_closing_what_is_still_down_says_that_it_opens_again(owner: Client, outage: Outage) -> None:
    """Where the component went down after the page was shown, the person is asked once more with the consequence."""
    path = f"/settings/health/outages/{outage.pk}"
    Component.objects.update(state="down")
    page = text(owner.post(f"{path}/close", {"reason": "Noise"}), 422)
    assert "the outage opens again" in page
    assert 'name="although_failing" value="on"' in page
    assert owner.post(f"{path}/close", {"reason": "Noise", "although_failing": "on"}).status_code == 302
    assert not Outage.objects.active().exists()


def test_two_tabs(owner: Client, outage: Outage) -> None:
    """The second one is told who closed it; what was typed stays."""
    path = f"/settings/health/outages/{outage.pk}"
    owner.post(f"{path}/close", {"reason": "First"})
    second = text(owner.post(f"{path}/close", {"reason": "Second"}), 422)
    assert "alice closed this outage meanwhile" in second
    assert "Second" in second
    assert f'href="{path}"' in second
    assert 'type="submit" data-sending' not in second
    assert "so far" not in second
    assert "alice closed this outage meanwhile" in text(owner.get(f"{path}/close", follow=True))
    assert "alice closed this outage meanwhile" in text(owner.post(f"{path}/expect", {"text": "Soon"}), 422)
    assert owner.post(f"{path}/note", {"text": "What we learnt."}).status_code == 302


def test_the_list_and_its_pages(owner: Client, people: People, upstream: Upstream) -> None:
    """The newest first, filtered by the address, older and newer by keyset, and the same rows as CSV."""
    component = Component.objects.get(upstream=upstream)
    now = clock.now()
    for n in range(65):
        Outage.objects.create(
            component=component,
            began_at=now - (n + 1) * HOUR,
            noticed_at=now,
            ended_at=now - (n + 1) * HOUR + HOUR / 2,
            severity="minor",
            cause=f"cause {n}.",
        )
    first = text(owner.get("/settings/health/outages"))
    assert "cause 0." in first
    assert "cause 29." in first
    assert "cause 30." not in first
    edge = Outage.objects.get(cause="cause 29.")
    assert f"before={edge.pk}" in first
    second = text(owner.get(f"/settings/health/outages?before={edge.pk}"))
    assert "cause 30." in second
    assert "cause 59." in second
    newest = Outage.objects.get(cause="cause 30.")
    assert f"after={newest.pk}" in second
    assert "cause 29." in text(owner.get(f"/settings/health/outages?after={newest.pk}"))
    assert "None fits" in text(owner.get("/settings/health/outages?severity=major"))
    assert owner.get("/settings/health/outages?state=bad").status_code == 400
    assert text(owner.get(f"/settings/health/outages?before={10**18}"))
    rows = text(owner.get("/settings/health/outages.csv")).splitlines()
    assert len(rows) == 66
    assert rows[0].startswith("id,component,organization,severity,cause")


def test_a_cell_is_no_formula(owner: Client, outage: Outage) -> None:
    """What a stranger's server answered does not run in a spreadsheet."""
    Outage.objects.update(cause='=HYPERLINK("http://evil")')
    assert "'=HYPERLINK" in text(owner.get("/settings/health/outages.csv"))


@pytest.mark.parametrize(
    ("fields", "source", "said"),
    [
        ({}, "past", "median of 6 past outages"),
        ({"ended_at": clock.now()}, "past", "median of 6 past outages"),
        ({"expected_at": None, "expected_source": "test"}, "test", "the next tests"),
        ({"expected_at": None, "expected_source": "test", "ended_at": clock.now()}, "unknown", ""),
        (
            {"expected_at": None, "expected_source": "person", "expected_text": "Soon", "ended_at": clock.now()},
            "person",
            "Soon",
        ),
    ],
)
def test_page_file_and_rest_say_alike_what_it_rests_on(
    owner: Client, outage: Outage, fields: dict[str, Any], source: str, said: str
) -> None:
    """One function says it; the next tests are no source of an outage that is over."""
    Outage.objects.update(**fields)
    outage.refresh_from_db()
    assert f",{source}," in text(owner.get("/settings/health/outages.csv"))
    assert represent(outage)["expected"]["source"] == source
    assert words.expected_source(outage).startswith(said)
    page = text(owner.get(f"/settings/health/outages/{outage.pk}"))
    assert ("Was expected" in page) == (outage.ended_at is not None and source != "unknown")
    assert said in page or source == "test"


def test_who_may(people: People, outage: Outage) -> None:
    """A team mate who may only look sees the story without a form, and is refused; a stranger finds nothing."""
    path = f"/settings/health/outages/{outage.pk}"
    bob, charlie = browser(people.bob), browser(people.charlie)
    page = text(bob.get(path))
    assert "What happened" in page
    assert "<textarea" not in page
    assert "Close outage…" not in page
    sent = [("note", {"text": "x"}), ("expect", {"text": "x"}), ("close", {"reason": "x"})]
    assert [bob.post(f"{path}/{verb}", body).status_code for verb, body in sent] == [403] * 3
    assert bob.get("/settings/health/outages/record").status_code == 403
    assert [charlie.get(one).status_code for one in (path, f"{path}/close")] == [404, 404]
    assert [charlie.post(f"{path}/{verb}", body).status_code for verb, body in sent] == [404] * 3
    make_upstream(people.northlight, slug="theirs", name="Their own")
    foreign = text(
        charlie.post("/settings/health/outages/record", {"component": outage.component_id, "severity": "minor"}), 422
    )
    assert "Their own" in foreign
    assert "Plans API" not in foreign
    assert "timeout" not in text(charlie.get("/settings/health/outages"))
    outage.refresh_from_db()
    assert outage.ended_at is None


def test_breakwaters_own_outage_is_read_and_not_touched(owner: Client, people: People) -> None:
    """It opens and closes by itself."""
    ours = Component.objects.filter(organization=None).first() or Component.objects.create(slug="breakwater", name="Us")
    now = clock.now()
    outage = Outage.objects.create(component=ours, began_at=now, noticed_at=now, severity="minor")
    assert "Close outage…" not in text(owner.get(f"/settings/health/outages/{outage.pk}"))
    assert owner.post(f"/settings/health/outages/{outage.pk}/close", {"reason": "x"}).status_code == 403


def test_the_page_follows_by_itself(owner: Client, outage: Outage) -> None:
    """Its fragment says how long it has gone on; once it is over, nothing of it offers to close it any more."""
    path, live = f"/settings/health/outages/{outage.pk}", {"HX-Request": "true", "HX-Target": "live"}
    assert f'data-says="{outage.component.about}"' in owner.get(path).content.decode()
    going = owner.get(path, headers=live).content.decode()
    assert "<html" not in going
    assert {"outage-title", "outage-acts", "known", "means", "story"} <= set(re.findall(r'id="([\w-]+)"', going))
    assert 'id="close"' in going
    assert 'id="expecting"' not in going
    close_outage(
        viewer=Viewer(user_id=None, name="bob", roles={outage.component.organization_id or 0: Role.ADMIN}),
        outage_id=outage.pk,
        reason="Back",
    )
    over = owner.get(path, headers=live).content.decode()
    assert 'id="close"' not in over
    assert 'id="expecting"' in over
    assert "<form" not in over
    assert "data-says" not in owner.get(path).content.decode()


def test_the_list_follows_by_itself(owner: Client, outage: Outage) -> None:
    """A tab that was left open does not go on counting an outage that is over."""
    path, live = "/settings/health/outages", {"HX-Request": "true", "HX-Target": "live"}
    assert "data-stream" in text(owner.get(path))
    going = text(owner.get(path, headers=live))
    assert "<html" not in going
    assert f'id="outage-{outage.pk}"' in going
    assert "Going on" in going
    Outage.objects.filter(pk=outage.pk).update(ended_at=clock.now())
    assert "Going on" not in text(owner.get(path, headers=live))
