"""What the score lost most by, as the overview says it: in points of the whole."""

import re
from collections.abc import Callable
from datetime import datetime, timedelta

import pytest
from django.test import Client
from django.urls import reverse

from portal.overview.score import lost_most
from resilience.health.core.states import State
from resilience.health.models import Component, Probe
from resilience.health.page import meter
from resilience.health.standing import Loss
from resilience.health.system import Part, System, system
from syncqueue.models import Counter
from tests.health.watching import NOON, clock_at
from tests.support.breakers import stop
from tests.support.people import People, make_upstream

__all__ = ["clock_at"]
ClockAt = Callable[[datetime], None]


def whole(score: int | None, *parts: Part) -> System:
    """A system of these parts."""
    return System(NOON, score, "degraded", parts=parts)


UPSTREAMS = Part("upstreams", "Upstreams", 50, 0.4, (Loss("Plans API down", 50.0, component="plans-api"),), exact=50.0)
QUEUE = Part("queue", "Queue", None, 0.3, ())
BREAKERS = Part("breakers", "Breakers", 0, 0.15, (Loss("2 of 2 open", 100.0),), exact=0.0)
CONFLICTS = Part("conflicts", "Conflicts", 93, 0.15, (Loss("3 waiting", 7.5),), exact=92.5)


def test_points_are_of_the_whole() -> None:
    """They weigh as their parts do among those with data, so that they are what is missing from the score; each says where it was lost."""
    lost = lost_most(whole(53, UPSTREAMS, QUEUE, BREAKERS, CONFLICTS))
    assert [(loss.text, round(loss.points, 1)) for loss in lost] == [
        ("Plans API down", 28.6),
        ("breakers: 2 of 2 open", 21.4),
        ("conflicts: 3 waiting", 1.6),
    ]
    parts = [(0.4, 50.0), (0.15, 0.0), (0.15, 92.5)]
    exact = sum(share * value for share, value in parts) / 0.7
    assert sum(loss.points for loss in lost) == pytest.approx(100 - exact)


def test_without_a_score_nothing_is_lost() -> None:
    """No data is not a loss."""
    assert lost_most(whole(None, QUEUE, CONFLICTS)) == []


def test_a_rounded_part_says_its_exact_figure() -> None:
    """Where it differs: 93 with a loss of 7.5 is 92.5."""
    assert [meter(part).exact for part in (UPSTREAMS, QUEUE, BREAKERS, CONFLICTS)] == ["", "", "", "92.5"]


@pytest.mark.django_db
def test_a_cap_is_said(people: People, clock_at: ClockAt) -> None:
    """While something critical is down the overview says why it is 40 at the most, by the component's name, as every loss does."""
    upstream = make_upstream(people.tidewater, "plans-api", critical=True, name="Plans API")
    stop(upstream)
    others = [make_upstream(people.tidewater, f"other-{n}") for n in range(30)]
    for one, state in ((upstream, State.DOWN), *((other, State.UP) for other in others)):
        Component.objects.filter(pk=one.component.pk).update(state=state.value, since=NOON, name=one.name)
        Probe.objects.filter(component=one.component).update(state=state.value, last_at=NOON, last_ok=True)
    clock_at(NOON + timedelta(seconds=5))
    assert system(people.viewer(people.bob)).score == 40
    client = Client()
    client.force_login(people.bob)
    page = client.get(reverse("overview")).content.decode()
    panel = re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", page[page.index('id="system"') :].partition("</section>")[0]))
    assert "40 at the most while Plans API is down, which is critical." in panel
    assert re.search(r"Lost most by: +breakers: 1 of 1 open +\(−15\), +Plans API down +\(−5\.7\)\.", panel)


def test_the_end_of_the_chart_is_the_figure_above_it(people: People, client: Client) -> None:
    """Also in a live fragment that leaves the rest of the chart for later: both are of one read."""
    upstream = make_upstream(people.tidewater)
    Counter.objects.create(upstream=upstream, name="queued", slot=0, value=14)
    client.force_login(people.alice)
    assert client.get("/").content.decode().count('<svg id="end-waiting">') == 1
    Counter.objects.update(value=15)
    fragment = client.get("/", headers={"HX-Request": "true", "HX-Target": "live"}).content.decode()
    assert 'id="chart"' not in fragment
    assert re.search(r'Waiting</span> <span class="value">15<', fragment)
    assert re.search(r'<svg id="end-waiting"><text[^>]*>15 waiting<', fragment)
