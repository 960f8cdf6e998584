"""When an outage is likely to be over, by what stands in the database."""

from collections.abc import Callable
from datetime import datetime, timedelta

import pytest

from resilience.breakers.models import Breaker
from resilience.health.core.eta import Source
from resilience.health.expecting import expected_for, expected_of, keep
from resilience.health.models import Maintenance, Outage, Probe
from tests.health.watching import NOON, Watched
from tests.support.breakers import stop
from tests.support.people import make_upstream

pytestmark = pytest.mark.django_db
MINUTE, DAY = timedelta(minutes=1), timedelta(days=1)
ClockAt = Callable[[datetime], None]
OUT = Outage(began_at=NOON, severity="major")
"""What goes on."""


def was_out(watched: Watched, *minutes: float) -> None:
    """Earlier outages that took so long, the newest first."""
    for n, took in enumerate(minutes, 1):
        Outage.objects.create(
            component=watched.component,
            began_at=NOON - n * DAY,
            noticed_at=NOON - n * DAY,
            ended_at=NOON - n * DAY + took * MINUTE,
            severity="major",
        )


def test_the_past(watched: Watched, clock_at: ClockAt) -> None:
    """The median of its own past outages; those of others say nothing."""
    was_out(watched, 43, 20, 60, 43, 2)
    other = make_upstream(watched.component.upstream.organization, "other").component  # type: ignore[union-attr]
    Outage.objects.create(component=other, began_at=NOON - DAY, noticed_at=NOON, ended_at=NOON, severity="major")
    found = expected_for(watched.component, OUT, NOON + 3 * MINUTE)
    assert (found.source, found.at, found.n) == (Source.PAST, NOON + 43 * MINUTE, 4)


@pytest.mark.parametrize(
    ("severity", "by", "minutes"),
    [("minor", "", 20), ("major", "mira", 60), ("critical", "bob", 60), ("minor", "mira", 2)],
)
def test_the_past_of_its_kind(watched: Watched, clock_at: ClockAt, severity: str, by: str, minutes: int) -> None:
    """What opened by itself says nothing of what people record, and that little was missing nothing of when all is back."""
    was_out(watched, 20, 20, 20, 60, 60, 60, 2, 2, 2)
    for n, row in enumerate(Outage.objects.order_by("-began_at")):
        row.opened_by, row.severity = ("", "mira", "mira")[n // 3], ("minor", "major", "minor")[n // 3]
        row.save()
    found = expected_for(watched.component, Outage(began_at=NOON, severity=severity, opened_by=by), NOON)
    assert (found.at, found.n) == (NOON + minutes * MINUTE, 3)


def test_the_next_test_of_the_breaker(watched: Watched, clock_at: ClockAt) -> None:
    """Without a past, when the breaker tests next."""
    assert watched.component.upstream is not None
    stop(watched.component.upstream)
    Breaker.objects.update(open_until=NOON + 2 * MINUTE)
    found = expected_for(watched.component, OUT, NOON)
    assert (found.source, found.at) == (Source.TEST, NOON + 2 * MINUTE)


def test_the_next_runs_of_the_probe(watched: Watched, clock_at: ClockAt) -> None:
    """Or when its probe has found it well twice."""
    Probe.objects.filter(pk=watched.probe.pk).update(state="down", last_at=NOON, successes=0)
    found = expected_for(watched.component, OUT, NOON)
    assert (found.source, found.at) == (Source.TEST, NOON + MINUTE)


def test_maintenance(watched: Watched, clock_at: ClockAt) -> None:
    """While a maintenance is planned, its end; one that was called off, or of another component, counts for nothing."""
    was_out(watched, 43, 20, 60)
    organization = watched.component.organization
    assert organization is not None
    plan = Maintenance.objects.create(
        organization=organization, title="New disks", starts_at=NOON, ends_at=NOON + 90 * MINUTE, created_by="alice"
    )
    assert expected_for(watched.component, OUT, NOON).at == NOON + 90 * MINUTE
    plan.component = make_upstream(organization, "other").component
    plan.save()
    assert expected_for(watched.component, OUT, NOON).source is Source.PAST
    plan.component, plan.called_off_at = None, NOON
    plan.save()
    assert expected_for(watched.component, OUT, NOON).source is Source.PAST


def test_nobody_knows(watched: Watched, clock_at: ClockAt) -> None:
    """Nothing is made up."""
    assert expected_for(watched.component, OUT, NOON).source is Source.UNKNOWN


def test_what_was_said_stands(watched: Watched, clock_at: ClockAt) -> None:
    """It is kept with the outage, and when its time has passed it is overdue, not later."""
    was_out(watched, 43, 20, 60)
    outage = Outage(component=watched.component, began_at=NOON, noticed_at=NOON, severity="major")
    keep(outage, expected_for(watched.component, OUT, NOON))
    outage.save()
    outage.refresh_from_db()
    found = expected_of(outage)
    assert (found.source, found.at, found.n) == (Source.PAST, NOON + 43 * MINUTE, 3)
    assert found.median == 43 * 60
    assert (found.low, found.high) == (31.5 * 60, 51.5 * 60)
    assert not found.overdue(NOON + 43 * MINUTE)
    assert found.overdue(NOON + 44 * MINUTE)
    assert expected_of(Outage()).source is Source.UNKNOWN
