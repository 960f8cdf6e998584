"""The page of health as the server writes it."""

import re
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.db.models import F
from django.test import Client
from django.test.utils import CaptureQueriesContext

from portal.kit import clock
from resilience.breakers.models import Breaker
from resilience.health.core import score
from resilience.health.core.states import State
from resilience.health.live import snapshot
from resilience.health.models import Component, Outage, Probe, Result, Uptime
from resilience.health.system import system_of
from resilience.upstreams.models import Upstream
from syncqueue.core.states import ItemState
from tests.health.pages.watched import Watched, go_down
from tests.web.world import World

pytestmark = pytest.mark.django_db

HEALTH = "/settings/health"


def browser(world: World, name: str = "alice") -> Client:
    """One of the people, signed in."""
    client = Client()
    client.force_login(type(world.people["alice"]).objects.get(username=name))
    return client


def markup(answer: Any) -> str:
    """The page without its frame."""
    body: str = answer.content.decode()
    return body.partition("<main")[2].partition("</main>")[0] or body


def text(answer: Any) -> str:
    """What the page says, without its tags."""
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", markup(answer))).replace("\xa0", " ").replace(" ,", ",")


def cards(answer: Any) -> dict[str, str]:
    """What each card says, by its name, in the order of the page."""
    found = re.findall(r'<li class="panel card".*?</li>', markup(answer), re.S)
    said = [re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", one)).replace("\xa0", " ").strip() for one in found]
    return {one.split(" ")[0]: one for one in said}


def test_the_worst_comes_first(watched: Watched) -> None:
    """Down, slow, then up; each card with its state in words, what it measures, its breaker, what waits, and its score."""
    seen = cards(browser(watched.world).get(HEALTH))
    assert list(seen)[:2] == ["plans-api", "openai"]
    assert set(seen) == {"plans-api", "openai", "github", "billing", "figma"}
    for line in ("Down", "failing", "It answered 503 Service Unavailable", "Breaker open", "12 waiting", "score"):
        assert line in seen["plans-api"]
    assert "Slow" in seen["openai"]
    assert re.search(r"[\d.]+ s p95; usual [23]", seen["openai"])
    for line in ("Up", "p95; usual", "100 % available", "Breaker closed", "2 waiting"):
        assert line in seen["github"]


def test_a_card_has_no_brackets(watched: Watched) -> None:
    """Which probe and how many more is cut off there anyway; the whole of it is its title."""
    reason = "Connection refused (probe “answers” and 1 more)."
    Component.objects.filter(pk=watched.component("plans-api").pk).update(reason=reason)
    card = re.search(
        r'<span class="aside" title="([^"]+)">(Connection[^<]+)', markup(browser(watched.world).get(HEALTH))
    )
    assert card is not None
    assert "(probe “answers” and 1 more)" in card[1]
    assert "(" not in card[2]


def test_the_score_says_what_it_lost(watched: Watched) -> None:
    """The score, its word, its trend, four parts with the points they lost, and how fresh it is."""
    answer = browser(watched.world).get(HEALTH)
    said = text(answer)
    assert "Degraded" in said
    assert "of 100" in said
    assert re.search(r"Declining, −\d+ in 2\d min", said)
    for part in (
        "Components",
        "Queue",
        "Breakers",
        "Conflicts",
        "plans-api down −30",
        "openai slow −4",
        "1 of 5 open −20",
    ):
        assert part in said
    assert re.search(r"oldest 24 min −19\.\d", said)
    named = re.findall(r'aria-label="(\w+: [^"]+)">([^<]+)</a>', markup(answer).replace("\xa0", " "))
    assert ("Queue: oldest 24 min", "oldest 24 min") in named
    assert len({name for name, _seen in named}) == len(named)
    assert "Fresh: all probes ran within the last" in said
    assert "How it is made" in said


def test_an_outage_stands_before_everything(watched: Watched) -> None:
    """Since when, how bad, who opened it, when it is expected back and what that rests on, what it means."""
    answer = browser(watched.world).get(HEALTH)
    said = text(answer)
    for line in (
        "Active outage",
        "severity major · opened by itself at",
        "is down, 24 min so far",
        "about",
        "median of 6 past outages is 43 min; half of them took 30 min to 55 min",
        "12 changes, none lost",
    ):
        assert line in said
    assert 'href="/resilience/queue?upstream=plans-api"' in markup(answer)


def test_what_it_means_in_full_comes_with_the_minutes(watched: Watched) -> None:
    """The panel that the page fetches holds the axis, the list of what happened, and the lanes that wait."""
    answer = browser(watched.world).get(f"{HEALTH}/minutes", {"of": f"{HEALTH}/tidewater/plans-api"})
    said = text(answer)
    assert "plans-api, minute by minute" in said
    for line in ("Probes", "Breaker", "Waiting 12", "5 failures in a row", "Outage opened.", "12 changes in 12 lanes"):
        assert line in said
    assert re.search(r'aria-label="Probes: \d+ of \d+ runs failed since', answer.content.decode())


def test_without_a_script_the_rest_is_a_link_away(watched: Watched) -> None:
    """The address that the place of the panel leads to holds all of it, and the outage's page all that it means."""
    client = browser(watched.world)
    first = client.get(HEALTH).content.decode()
    assert 'class="no-js"><a href="?of=/settings/health/tidewater/plans-api#minutes"' in first
    assert re.search(r'class="small no-js"><a href="/settings/health/outages/\d+">All that it means', first)
    full = client.get(HEALTH, {"of": f"{HEALTH}/tidewater/github"})
    assert "github, minute by minute" in text(full)
    assert "12 changes in 12 lanes" in text(full)


def test_overdue_is_said(watched: Watched) -> None:
    """What was expected and has not come is overdue since then; it does not move on."""
    past = clock.now() - timedelta(minutes=5)
    Outage.objects.update(expected_at=past)
    assert "overdue since" in text(browser(watched.world).get(HEALTH))


def test_nobody_can_tell_is_said_too(watched: Watched) -> None:
    """An outage without an estimate claims none."""
    Outage.objects.update(expected_at=None, expected_source="unknown", expected_of=0, expected_low=None)
    client = browser(watched.world)
    assert "at the earliest if the next tests are good" in text(client.get(HEALTH))
    Probe.objects.update(enabled=False)
    Breaker.objects.unscoped().update(open_until=None)
    assert "nobody can tell yet" in text(client.get(HEALTH))


def test_several_outages_are_one_panel_and_a_list(watched: Watched) -> None:
    """The worst in full, the others a row each with what waits, when it is back, the run book, and the ways to act."""
    outage = go_down(watched, "billing", minutes=9)
    Component.objects.filter(pk=outage.component_id).update(run_book="https://books.example/billing")
    Outage.objects.filter(pk=outage.pk).update(expected_at=None, expected_source="test")
    watched.world.item("billing", "b-1")
    answer = browser(watched.world).get(HEALTH)
    assert markup(answer).count("Active outage") == 1
    assert "Also out 1" in text(answer)
    row = markup(answer).partition('class="also">')[2].partition("</ul>")[0]
    for address in ("https://books.example/billing", f"{outage.pk}#note", f"{outage.pk}/close", "?upstream=billing"):
        assert address in row
    assert "at the earliest" in row
    bob = markup(browser(watched.world, "bob").get(HEALTH)).partition('class="also">')[2].partition("</ul>")[0]
    assert "/close" not in bob
    assert f'/outages/{outage.pk}"' in bob


def test_of_outages_alike_the_one_for_which_most_waits_comes_first(watched: Watched) -> None:
    """Whichever began earlier; where each is expected back stands with what that rests on."""
    go_down(watched, "billing", minutes=40)
    client = browser(watched.world)
    for waiting, first, other in ((1, "plans-api", "billing"), (20, "billing", "plans-api")):
        for n in range(waiting):
            watched.world.item("billing", f"b-{waiting}-{n}")
        page = markup(client.get(HEALTH))
        said = re.sub(r"<[^>]+>|\s+", " ", page.partition('class="also">')[2].partition("</ul>")[0])
        assert f">{first}</a>" in page.partition('class="also">')[0].partition('id="outage-title-')[2][:200]
        assert other in said
        assert "median of 6 past outages" in said


def test_what_is_out_as_planned_comes_last(watched: Watched) -> None:
    """It is not called down, however much it counts."""
    Component.objects.filter(slug="plans-api").update(state="maintenance", since=clock.now())
    go_down(watched, "billing", minutes=9)
    answer = browser(watched.world).get(HEALTH)
    assert "billing is down" in text(answer)
    assert "plans-api is in planned maintenance, and its outage goes on" in text(answer)
    assert "plans-api is down" not in text(answer)


def test_nothing_is_red_in_planned_maintenance(watched: Watched, working: None) -> None:
    """Neither the panel of its outage nor the navigation; the system is in maintenance, and not without data."""
    Component.objects.exclude(slug="breakwater").update(state="maintenance", since=clock.now())
    client = browser(watched.world)
    for path in (HEALTH, "/"):
        page = client.get(path)
        assert "data-loud" not in page.content.decode().partition("plans-api")[0]
        assert "– In maintenance" in text(page)
        assert "data-loud" not in re.findall(r"<nav.*?</nav>", page.content.decode(), re.S)[0]
    said = text(client.get(HEALTH))
    assert "Out, as planned" in said
    assert "Active outage" not in said


def test_a_recorded_outage_keeps_what_is_measured(watched: Watched) -> None:
    """The card says who recorded it and how the probes find it; nothing fails where they find it up."""
    component = watched.component("billing")
    watched.set("billing", State.DOWN, timedelta(minutes=3), "mira says: Half of it.")
    component.probes.create(name="answers too", kind="http", state="up", last_at=clock.now(), last_ok=True, last_ms=5)
    component.probes.update(state="up")
    now = clock.now()
    Outage.objects.create(component=component, began_at=now, noticed_at=now, severity="major", opened_by="mira")
    client = browser(watched.world)
    card = cards(client.get(HEALTH))["billing"]
    assert re.search(r"\d+ ms recorded by mira; its 2 probes find it up", card)
    assert "failing" not in card
    component.probes.filter(name="answers too").delete()
    assert "recorded by mira; its probe finds it up" in cards(client.get(HEALTH))["billing"]
    component.probes.update(state="down", last_ok=False)
    assert "failing" in cards(client.get(HEALTH))["billing"]


def test_no_answer_is_told_from_a_bad_one(watched: Watched) -> None:
    """As the last result of the failing probe has it."""
    client, results = browser(watched.world), Result.objects.filter(probe__component=watched.component("plans-api"))
    assert "failing" in cards(client.get(HEALTH))["plans-api"]
    results.filter(at=F("probe__last_at")).update(unanswered=True)
    card = cards(client.get(HEALTH))["plans-api"]
    assert "no answer" in card
    assert "failing" not in card


def test_the_time_of_a_failure_is_no_latency(watched: Watched) -> None:
    """In maintenance a refused connection has no figure, on the card, in REST and in the stream."""
    component = watched.component("plans-api")
    Component.objects.filter(pk=component.pk).update(state="maintenance")
    component.probes.update(last_ms=1.0)
    client = browser(watched.world)
    for ok, figure, ms in ((False, "–", None), (True, "1 ms", 1.0)):
        component.probes.update(last_ok=ok)
        assert f"{figure} in maintenance" in cards(client.get(HEALTH))["plans-api"]
        rows = snapshot(frozenset({watched.world.tidewater.pk}))["components"]
        assert next(row for row in rows if row["slug"] == "plans-api")["latencyMs"] == ms
        found = system_of((watched.world.tidewater.pk,)).as_dict()["components"]
        assert next(row for row in found if row["slug"] == "plans-api")["latencyMs"] == ms


def test_a_child_says_whose_fault_it_is(watched: Watched) -> None:
    """Its card and its outage name the parent that is down."""
    watched.set("github", State.DOWN, timedelta(minutes=3), "timed out")
    parent = watched.component("plans-api")
    Component.objects.filter(pk=watched.component("github").pk).update(parent=parent, blamed_on=parent)
    assert "because plans-api is down" in cards(browser(watched.world).get(HEALTH))["github"]


def test_no_data_is_never_drawn_as_good(watched: Watched) -> None:
    """When the probes have not run, the card says since when nothing is known, and the day strip is hollow."""
    long_ago = clock.now() - timedelta(hours=1)
    Probe.objects.filter(component=watched.component("billing")).update(last_at=long_ago)
    answer = browser(watched.world).get(HEALTH)
    card = cards(answer)["billing"]
    assert "No data" in card
    assert "no data since" in card
    assert "Up" not in card
    assert "did not run when they were due" in text(answer)


def test_a_component_that_never_ran_says_so(watched: Watched) -> None:
    """A new upstream has no figure and no good day."""
    watched.world.upstream("fresh")
    card = cards(browser(watched.world).get(HEALTH))["fresh"]
    assert "No data" in card
    assert "no data yet" in card
    assert "– available" in card


def test_availability_says_of_how_much_data(watched: Watched) -> None:
    """Where it is less than the 90 days of the strip; on the component's page for each span by itself."""
    Uptime.objects.filter(component=watched.component("figma"), at__lt=clock.now() - timedelta(days=3)).delete()
    client = browser(watched.world)
    seen = cards(client.get(HEALTH))
    assert re.search(r"100 % available of [23] d \d+ h", seen["figma"])
    assert "available of" not in seen["github"]
    said = text(client.get(f"{HEALTH}/tidewater/figma"))
    assert re.search(r"24 hours 100 % 7 days 100 % of [23] d \d+ h 30 days", said)


def test_maintenance_says_since_when(watched: Watched) -> None:
    """It is no outage and no good day."""
    watched.set("figma", State.MAINTENANCE, timedelta(minutes=10), "Database moves")
    card = cards(browser(watched.world).get(HEALTH))["figma"]
    assert "Maintenance" in card
    assert "in maintenance since" in card


def test_all_good_is_quiet(watched: Watched, working: None) -> None:
    """Nothing is filled, and the score has the width."""
    Outage.objects.all().delete()
    Component.objects.exclude(slug="breakwater").update(state="up", reason="")
    Probe.objects.update(state="up", last_ok=True)
    Breaker.objects.update(state="closed", opened_at=None, open_until=None)
    answer = browser(watched.world).get(HEALTH)
    assert "Active outage" not in text(answer)
    assert "data-loud" not in markup(answer)
    assert "Nothing is down or slow." in text(answer)


def test_breakwater_itself_has_a_card(watched: Watched) -> None:
    """What its own probes found, a line each, without sizes; what the colours of days mean stands below all cards."""
    answer = browser(watched.world).get(HEALTH)
    assert not re.search(r"\d (kB|MB|GB)", text(answer))
    for line in ("Breakwater itself", "Database 2 ms", "Disk 71 % free", "Workers 4 of 4 duties held"):
        assert line in text(answer)
    strip_key = markup(answer).index("good day")
    assert markup(answer).index("</ul>", markup(answer).index('id="itself"')) < strip_key


def test_without_upstreams_the_page_leads_to_them(world: World) -> None:
    """What would appear here, and the one way to make it."""
    said = text(browser(world).get(HEALTH))
    assert "Nothing is watched yet." in said
    assert "Go to upstreams" in said


def test_who_may_do_what(watched: Watched) -> None:
    """A viewer reads; an operator records and asks; an admin plans too."""
    alice, ivan, bob = (text(browser(watched.world, name).get(HEALTH)) for name in ("alice", "ivan", "bob"))
    assert "Probe all now" in alice
    assert "Record outage" in alice
    assert "Probe all now" in ivan
    assert "Plan maintenance" not in ivan
    assert "Probe all now" not in bob
    assert "Write an update" not in bob
    assert "Active outage" in bob


def test_a_stranger_sees_their_own_only(watched: Watched) -> None:
    """Neither card nor outage nor minutes of another organization, and nobody in particular is sent to sign in."""
    charlie = browser(watched.world, "charlie")
    said = text(charlie.get(HEALTH))
    assert "northern" in said
    assert "plans-api" not in said
    assert "plans-api" not in text(charlie.get(f"{HEALTH}/minutes", {"of": f"{HEALTH}/tidewater/plans-api"}))
    assert charlie.get(f"{HEALTH}/tidewater/plans-api").status_code == 404
    assert charlie.get(f"{HEALTH}/tidewater/plans-api/latency.csv").status_code == 404
    assert charlie.post(f"{HEALTH}/tidewater/plans-api/check").status_code == 404
    for path in ("", "/minutes", "/formula", "/tidewater/plans-api", "/breakwater"):
        assert Client().get(HEALTH + path).status_code == 302


def test_markup_in_names_and_errors_is_text(watched: Watched) -> None:
    """What others wrote is shown and never run."""
    bad = "<script>alert(1)</script>\u202e"
    component = watched.component("plans-api")
    Component.objects.filter(pk=component.pk).update(name="<b>plans</b>", reason=bad)
    Outage.objects.update(cause=bad)
    Probe.objects.filter(component=component).update(last_error=bad)
    client = browser(watched.world)
    for path in (HEALTH, f"{HEALTH}?of={HEALTH}/tidewater/plans-api", f"{HEALTH}/tidewater/plans-api"):
        page = client.get(path).content.decode()
        assert "<script>alert" not in page
        assert "<b>plans" not in page
        assert "&lt;script&gt;alert" in page


def test_states_and_names_narrow_it_down(watched: Watched) -> None:
    """Chips with counts once there are many; a search by name; what is not found says what there is."""
    for n in range(4):
        watched.watch(f"extra-{n}")
    client = browser(watched.world)
    assert re.search(r"All 9 Down 1 Slow 1 No data 0 Maintenance 0 Up 7", text(client.get(HEALTH)))
    assert list(cards(client.get(HEALTH, {"state": "slow"}))) == ["openai"]
    assert len(cards(client.get(HEALTH, {"text": "EXTRA"}))) == 4
    nothing = text(client.get(HEALTH, {"text": "zebra"}))
    assert "No component is called “zebra” here. There are 9 in all." in nothing
    assert "Clear filters" in nothing
    assert len(cards(client.get(HEALTH, {"state": "nonsense", "after": "x" * 40}))) == 9


def test_the_navigation_counts_what_is_down(watched: Watched) -> None:
    """On this page from what was read, elsewhere with a query of its own: the same."""
    client = browser(watched.world)
    for path in (HEALTH, "/settings/policy"):
        entry = re.search(r'href="/settings/health" title="Health".*?</a>', client.get(path).content.decode(), re.S)
        assert entry is not None
        assert re.search(r'data-tone="bad" data-loud>1<span class="visually-hidden"> down', entry[0])


def test_500_components_cost_what_24_do(watched: Watched) -> None:
    """24 cards a page and the rest reachable; at most 15 queries and 100 kB with three outages, a conflict and Breakwater itself."""
    tidewater = watched.world.tidewater
    Upstream.objects.bulk_create(
        Upstream(organization=tidewater, slug=f"up-{n}", name=f"up-{n}", address="http://127.0.0.1:9")
        for n in range(495)
    )
    upstreams = Upstream.objects.unscoped().filter(slug__startswith="up-")
    made = Component.objects.bulk_create(
        Component(organization=tidewater, upstream=one, slug=one.slug, name=one.name, state="up", since=clock.now())
        for one in upstreams
    )
    Probe.objects.bulk_create(
        Probe(component=one, name="answers", kind="http", state="up", last_at=clock.now(), last_ok=True, last_ms=90)
        for one in made
    )
    watched.world.item("github", "gh-9", ItemState.CONFLICT, age=600)
    go_down(watched, "billing", minutes=9)
    go_down(watched, "figma", minutes=4)
    client = browser(watched.world)
    client.get(HEALTH)
    with CaptureQueriesContext(connection) as queries:
        answer = client.get(HEALTH)
    assert len(queries) <= 15, [query["sql"][:120] for query in queries.captured_queries]
    assert len(answer.content) < 100_000
    assert len(cards(answer)) == 24
    seen: set[str] = set()
    path: str | None = HEALTH
    while path:
        answer = client.get(path)
        seen |= set(cards(answer))
        more = re.search(r'rel="next" href="([^"]+)"', markup(answer))
        path = f"{HEALTH}{more[1].replace('&amp;', '&')}" if more else None
    assert len(seen) == 500


def test_the_live_fragment_holds_what_changes(watched: Watched) -> None:
    """Every part has an id; the frame's banner is not among them, for the page says it itself."""
    answer = browser(watched.world).get(
        HEALTH, {"of": f"{HEALTH}/tidewater/plans-api"}, headers={"HX-Request": "true", "HX-Target": "live"}
    )
    body = answer.content.decode()
    assert "<main" not in body
    for part in ("system", "outages", "cards", "health-status", "minutes", "nav-list"):
        assert f'id="{part}"' in body
    assert 'role="status">Down: plans-api. Slow: openai.' in body


def test_the_formula_is_published(watched: Watched) -> None:
    """With the shares, every scale, the caps and the thresholds that are in force, so that a figure can be worked out again."""
    said = text(browser(watched.world).get(f"{HEALTH}/formula"))
    for line in (
        "40 %",
        "30 %",
        "15 %",
        "At most 40",
        "At most 60",
        "At most 99 while anything is down or slow",
        "From 90 on",
        "Up 100, Slow 60, Down 0",
        "critical 5, high 3, normal 1",
        "Queue items that wait 10 510 50",
        "Queue age of the oldest that waits 1 min 1 h 01 min 50",
        "Conflicts open conflicts 0 20 50",
        "Conflicts age of the oldest 1 min 2 h 01 min 50",
        "A component its breaker is open – – 40",
        "A component its breaker is half-open – – 20",
        "A component items that wait 10 110 10",
        "A component age of the oldest that waits 1 min 31 min 10",
        "(up + slow) / (up + slow + down)",
        "answered / (answered + unanswered)",
        "of the scores of 30 min",
        "docs/reference/health.md",
    ):
        assert line in said


def test_the_formula_follows_its_figures(watched: Watched, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is told from what scores are made with."""
    monkeypatch.setattr(score, "QUEUE_DEPTH", score.Scale(45, 11, 77))
    monkeypatch.setattr(score, "FLAWED_AT_MOST", 98)
    said = text(browser(watched.world).get(f"{HEALTH}/formula"))
    assert "Queue items that wait 11 77 45" in said
    assert "At most 98" in said
