"""The page of one component as the server writes it."""

import csv
import io
import json
import re
from datetime import UTC, datetime, timedelta

import pytest
from django.db import connection
from django.db.models import F
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from portal.kit import clock
from resilience.health.charted import csv_rows, drawn
from resilience.health.models import Bucket, Component, Maintenance, Note, Outage, Probe, Result
from resilience.health.series import Point, Range, Series
from tests.health.pages.test_page import HEALTH, browser, cards, markup, text
from tests.health.pages.watched import Watched

pytestmark = pytest.mark.django_db

PLANS = f"{HEALTH}/tidewater/plans-api"
RANGES = ("hour", "day", "week", "month", "quarter", "year")


def test_it_tells_everything_of_one(watched: Watched) -> None:
    """How it stands and why, its score with what it lost, its breaker, what waits, its availability, its probes and results."""
    Component.objects.filter(slug="plans-api").update(run_book="https://books.example.org/plans")
    said = text(browser(watched.world).get(PLANS))
    for line in (
        "Active outage",
        "Down since",
        "plans-api down −",
        "Breaker Open",
        "Waiting 12 the oldest for",
        "Importance high",
        "https://books.example.org/plans",
        "24 hours",
        "90 days",
        "answers",
        "down after 3 failures in a row, up after 2 successes",
        "http://127.0.0.1",
        "It answered 503 Service Unavailable",
        "Last results",
        "minute by minute",
    ):
        assert line in said


def test_the_badge_follows_on_every_screen(watched: Watched) -> None:
    """What a page fetches again holds the count of what is down beside "Health" in the navigation and in the bar of phones."""
    client, outage = browser(watched.world), Outage.objects.get(component=watched.component("plans-api"), ended_at=None)
    for path in (HEALTH, PLANS, f"{HEALTH}/outages/{outage.pk}", f"{HEALTH}/outages", "/", "/resilience/queue"):
        live = client.get(path, headers={"HX-Request": "true", "HX-Target": "live"}).content.decode()
        for part in ("nav-list", "bottom-list"):
            navigation = live.partition(f'<div id="{part}">')[2].partition("</div>")[0]
            link = re.search(rf'href="{HEALTH}".*?</a>', navigation, re.S)
            assert link, path
            assert re.search(r'data-tone="bad" data-loud>1<', link[0]), path


def test_what_no_probe_asks_after_says_so(watched: Watched) -> None:
    """A service without one has the way to one, no empty charts, and nothing of before it was made; an upstream has its deliveries."""
    made = clock.now() - timedelta(minutes=3)
    owner = watched.component("plans-api").organization
    service = Component.objects.create(organization=owner, slug="vpn", name="VPN", created_at=made)
    client = browser(watched.world)
    answer = client.get(f"{HEALTH}/tidewater/vpn")
    page, said = markup(answer), text(answer)
    assert said.count("No probe yet, so nothing is known of it.") == 2
    assert page.count(f'href="/settings/health/components/{service.pk}/probes/add"') >= 2
    assert 'class="charted"' not in page
    assert "No probe, so nothing is measured." in said
    assert f"Nothing has changed since {timezone.localtime(made):%H:%M}." in said
    assert "deliveries" not in said
    Probe.objects.filter(component=watched.component("figma")).delete()
    assert "its deliveries and its breaker alone" in text(client.get(f"{HEALTH}/tidewater/figma"))


def test_a_card_says_how_the_probes_found_it_last(watched: Watched) -> None:
    """What answers nobody is told at its first failed run, and that it answers again at the first good one; no probe, so it says."""
    component = watched.component("plans-api")
    client, probes = browser(watched.world), Probe.objects.filter(component=component)
    Result.objects.filter(probe__component=component, at=F("probe__last_at")).update(unanswered=True)
    probes.update(state="up")
    assert "no answer" in cards(client.get(HEALTH))["plans-api"]
    probes.update(state="down", last_ok=True)
    assert "answers again" in cards(client.get(HEALTH))["plans-api"]
    Component.objects.create(organization=component.organization, slug="vpn", name="VPN")
    assert "no probe runs" in cards(client.get(HEALTH))["VPN"]


@pytest.mark.parametrize("over", RANGES)
def test_charts_over_every_range(watched: Watched, over: str) -> None:
    """Two charts, drawn by the server, each with its sentence, its table and its file; outages are shaded, hatched and named."""
    page = markup(browser(watched.world).get(PLANS, {"range": over}))
    assert page.count('class="as-table" id="table-latency"') == 1
    assert page.count('class="as-table" id="table-good-runs"') == 1
    assert re.search(r'role="img" aria-label="Latency, p95: between', page)
    assert re.search(r'role="img" aria-label="Good runs: ', page)
    assert f"/latency.csv?range={over}&amp;probe=" in page
    assert "out, 2" in page
    assert 'fill="url(#hatch-latency)"' in page
    assert "style=" not in page


def test_the_script_gets_the_same_figures(watched: Watched) -> None:
    """As many moments as rows of the table, times as epoch seconds, and gaps as nothing."""
    page = markup(browser(watched.world).get(PLANS))
    block = re.search(r'<script id="figures-latency" type="application/json">(.*?)</script>', page)
    assert block is not None
    said = json.loads(block[1])
    assert {line["name"] for line in said["lines"]} == {"p50", "p95", "p99"}
    assert all(len(line["values"]) == len(said["at"]) for line in said["lines"])
    assert None in said["lines"][0]["values"]
    assert said["bands"][0]["tone"] == "bad"


def test_figures_as_a_file(watched: Watched) -> None:
    """UTC moments, milliseconds, shares of 1; empty where nothing is known."""
    client = browser(watched.world, "bob")
    answer = client.get(f"{PLANS}/good-runs.csv", {"range": "hour"})
    assert answer["Content-Type"].startswith("text/csv")
    assert answer["Content-Disposition"] == 'attachment; filename="plans-api-good-runs-hour.csv"'
    rows = list(csv.DictReader(io.StringIO(answer.content.decode())))
    assert list(rows[0]) == ["at", "runs", "failed", "good"]
    assert rows[0]["at"].endswith("Z")
    assert {row["good"] for row in rows if row["runs"] != "0"} >= {"1.0", "0.0"}
    assert all(row["good"] == "" for row in rows if row["runs"] == "0")
    assert "p95_ms" in client.get(f"{PLANS}/latency.csv", {"range": "year"}).content.decode()
    assert client.get(f"{PLANS}/secrets.csv").status_code == 404


def test_the_axis_of_good_runs_has_whole_figures() -> None:
    """All of a kind: "75 %" below "100 %"."""
    at = datetime(2026, 11, 21, 3, tzinfo=UTC)
    history = Series(Range.HOUR, at, at + timedelta(hours=1), timedelta(minutes=1), (Point(at, 3, 2), Point(at, 8, 1)))
    good = drawn(history, None, "")[1].chart
    assert [tick.label for tick in good.across] == [f"{n}\u00a0%" for n in (0, 25, 50, 75, 100)]
    assert good.rows[0].values == ("87.5\u00a0%",)


@pytest.mark.parametrize("what", ["latency", "good-runs"])
def test_a_minute_that_is_not_added_up_does_not_say_that_nothing_ran(what: str) -> None:
    """It is left out of the file; an older one without a run stays."""
    until, minute = datetime(2026, 11, 21, 3, 12, tzinfo=UTC), timedelta(minutes=1)
    points = tuple(Point(until - ago * minute, runs=runs) for ago, runs in ((4, 0), (3, 12), (2, 0), (1, 0)))
    history = Series(Range.HOUR, until - 4 * minute, until, minute, points)
    assert [row[1] for row in csv_rows(history, what)[1:]] == [0, 12]


def test_without_any_result_no_line_is_drawn(watched: Watched) -> None:
    """The charts say that there is no data, and the script gets none."""
    Bucket.objects.all().delete()
    page = markup(browser(watched.world).get(f"{HEALTH}/tidewater/github"))
    assert "Latency: no data." in page
    assert "Good runs: no data." in page
    assert '"lines": []' in page


def test_one_of_several_probes_is_chosen(watched: Watched) -> None:
    """The charts follow the address; a probe of another component is not taken."""
    component = watched.component("github")
    other = Probe.objects.create(component=component, name="port", kind="tcp", address="127.0.0.1:9", interval=5)
    foreign = watched.component("northern").probes.get()
    client = browser(watched.world)
    page = f"{HEALTH}/tidewater/github"
    assert "of the probe “port”" in text(client.get(page, {"probe": other.pk}))
    assert "of the probe “answers”" in text(client.get(page, {"probe": foreign.pk}))
    assert "of the probe “answers”" in text(client.get(page, {"probe": "x", "range": "century"}))
    assert "It has not run yet." in text(client.get(page))


def test_outages_notes_and_plans_are_listed(watched: Watched) -> None:
    """The last ones with how long they took, what was written, and what is planned."""
    outage = Outage.objects.get()
    Note.objects.create(outage=outage, author="alice", text="The vendor restores a backup.")
    Maintenance.objects.create(
        organization=watched.world.tidewater,
        title="Database moves",
        starts_at=clock.now() + timedelta(hours=2),
        ends_at=clock.now() + timedelta(hours=3),
        created_by="alice",
    )
    Maintenance.objects.create(
        organization=watched.world.tidewater,
        title="Backups",
        starts_at=clock.now() + timedelta(hours=2),
        schedule="0 2 * * *",
        minutes=120,
        time_zone="UTC",
        created_by="alice",
    )
    answer = browser(watched.world).get(PLANS)
    said = text(answer)
    assert "24 min so far, severity major, opened by itself" in said
    assert "alice: The vendor restores a backup." in said
    assert "Planned maintenance: Database moves" in said
    assert "Backups (every day at 02:00 for 2 h 00 min)" in said
    assert '<a href="/settings/maintenance">Backups</a>' in markup(answer)


def test_latency_is_a_figure_also_while_it_is_down(watched: Watched) -> None:
    """Why it is down is said once, above."""
    said = text(browser(watched.world).get(PLANS))
    assert re.search(r"Latency [\d.]+ m?s p95 of the last hour, usual [\d.]+ m?s Score", said)


def test_a_stale_probe_is_not_shown_as_well(watched: Watched) -> None:
    """Its state is no data, whatever was last written."""
    Probe.objects.filter(component=watched.component("github")).update(last_at=clock.now() - timedelta(hours=1))
    said = text(browser(watched.world).get(f"{HEALTH}/tidewater/github"))
    assert "No data since" in said
    assert "Answered in" not in said


def test_words_of_a_track_stay_in_their_stretch(watched: Watched) -> None:
    """A cause that is longer than the outage is cut at its end; the whole of it is the stretch's title."""
    page = markup(browser(watched.world).get(PLANS))
    assert re.search(r'<svg x="[\d.]+%" width="[\d.]+%"><text x="8" y="16">It answered 503', page)
    assert re.search(r"<title>It answered 503 Service Unavailable[^<]+24\smin</title>", page)


def test_what_happens_again_and_again_is_one_line(watched: Watched) -> None:
    """Failed tests of a breaker do not push everything else from the list."""
    from_before = watched.component("plans-api").upstream
    assert from_before is not None
    for ago in range(19, 9, -1):
        for before, after in (("open", "half_open"), ("half_open", "open")):
            from_before.breaker.transitions.create(
                at=clock.now() - timedelta(minutes=ago), before=before, after=after, cause="test", reason="It failed"
            )
    said = text(browser(watched.world).get(PLANS))
    assert re.search(r"Breaker tested 11 times since [\d:]+, and is open again: It failed\.", said)


def test_who_may_do_what(watched: Watched) -> None:
    """A viewer reads, an operator asks and records, an admin sets."""
    alice, ivan, bob = (text(browser(watched.world, name).get(PLANS)) for name in ("alice", "ivan", "bob"))
    assert "Check now" in alice
    assert "Settings" in alice
    assert "Add a probe" in alice
    assert "Check now" in ivan
    assert "Add a probe" not in ivan
    assert "Check now" not in bob
    assert browser(watched.world, "bob").post(f"{PLANS}/check").status_code == 403
    assert browser(watched.world, "bob").post(f"{HEALTH}/check-all").status_code == 403


def test_breakwater_itself_has_a_page(watched: Watched) -> None:
    """Every member may read it, and nobody sets it."""
    for name in ("alice", "bob", "charlie"):
        answer = browser(watched.world, name).get(f"{HEALTH}/breakwater")
        assert answer.status_code == 200
        assert "4 of 4 duties held" in text(answer)
        assert "Add a probe" not in text(answer)
        assert ("Check now" in text(answer)) is (name != "bob")
        assert "duties 4" not in text(answer)
    assert "runs" in browser(watched.world).get(f"{HEALTH}/breakwater/good-runs.csv").content.decode()


def test_a_page_of_one_component_is_few_queries(watched: Watched) -> None:
    """At most 32, with an outage, several probes and something that waits."""
    component = watched.component("plans-api")
    Probe.objects.create(component=component, name="port", kind="tcp", address="127.0.0.1:9", interval=5)
    client = browser(watched.world)
    client.get(PLANS)
    with CaptureQueriesContext(connection) as queries:
        client.get(PLANS)
    assert len(queries) <= 32, [query["sql"][:120] for query in queries.captured_queries]
