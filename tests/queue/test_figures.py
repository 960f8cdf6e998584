"""Figures over time, from counters and samples."""

from datetime import UTC, datetime, timedelta

import pytest

from resilience.upstreams.models import Upstream
from syncqueue import figures
from syncqueue.models import Counter, Sample
from tests.support.people import make_people, make_upstream

pytestmark = pytest.mark.django_db
NOW = datetime(2026, 11, 21, 3, 12, 30, tzinfo=UTC)


@pytest.mark.parametrize(
    ("age", "samples", "said"),
    [
        (2, {}, 52),  # in its first minutes, before there is a sample
        (20, {15: 10, 5: 40}, 52),
        (300, {90: 5, 60: 12, 59: 13, 1: 51}, 39),
        (300, {90: 5}, None),  # nobody sampled for an hour
        (300, {30: 60}, 0),  # never below zero
    ],
)
def test_delivered_in_the_last_hour(age: int, samples: dict[int, int], said: int | None) -> None:
    """Up to this moment and not only to the last whole minute; an upstream that is younger has taken all of it since."""
    people = make_people()
    upstream = make_upstream(people.tidewater)
    Upstream.objects.unscoped().filter(pk=upstream.pk).update(created_at=NOW - timedelta(minutes=age))
    for minutes, delivered in samples.items():
        at = NOW.replace(second=0) - timedelta(minutes=minutes)
        Sample.objects.create(upstream=upstream, at=at, waiting=0, delivered=delivered, refused=0)
    Counter.objects.create(upstream=upstream, name="delivered", slot=0, value=52)
    viewer = people.viewer(people.alice)
    upstreams, counters = Upstream.objects.for_org(viewer), figures.by_upstream(viewer)
    seen = figures.history(viewer, now=NOW, waiting=0)
    assert figures.delivered_last_hour(upstreams, counters, seen, NOW) == said


@pytest.mark.parametrize(("waiting", "label"), [(0, ""), (3, "3 waiting")])
def test_nothing_measured_is_no_zero(waiting: int, label: str) -> None:
    """A portal that has nothing yet shows no "0 waiting"; what waits is told before the first sample."""
    people = make_people()
    seen = figures.history(people.viewer(people.alice), now=NOW, waiting=waiting)
    chart = figures.waiting_chart(seen, ())
    assert (chart.last.label if chart.last else "") == label
    assert bool(chart.dots) is bool(waiting)
