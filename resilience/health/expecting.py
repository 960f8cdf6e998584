"""When a component's outage is likely to be over: what core/eta.py needs to know, read from the database."""

from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime, timedelta

from django.db.models import F, Q

from resilience.breakers.figures import figures_of
from resilience.breakers.models import Breaker
from resilience.health.core.eta import MOST_PAST, Expected, NextTest, Source, expected
from resilience.health.core.occurrences import over_at
from resilience.health.core.states import Severity
from resilience.health.models import Component, Maintenance, Outage, Probe
from resilience.health.partly import partly


def expected_for(component: Component, outage: Outage, now: datetime) -> Expected:
    """When this outage of the component is likely to be over, as it can be told now."""
    return expected(
        began=outage.began_at,
        now=now,
        maintenance_ends=_maintenance_ends(component, now),
        past=_past(component, outage),
        tests=tests_of(component, now),
    )


def source_of(outage: Outage) -> Source:
    """What the expected end rests on, alike on pages, in files and by REST. The next tests are none once the outage is over."""
    if outage.expected_at or outage.expected_text:
        return Source(outage.expected_source)
    tested = outage.expected_source == Source.TEST and outage.ended_at is None
    return Source.TEST if tested else Source.UNKNOWN


def expected_of(outage: Outage) -> Expected:
    """What was said when the outage opened, or by a person since; it does not move. Reads nothing."""
    source = source_of(outage)
    if source is Source.UNKNOWN:
        return Expected()
    middle = None
    if source is Source.PAST and outage.expected_at is not None:
        middle = (outage.expected_at - outage.began_at).total_seconds()
    return Expected(
        source,
        outage.expected_at,
        outage.expected_text,
        outage.expected_low,
        outage.expected_high,
        outage.expected_of,
        middle,
    )


def keep(outage: Outage, said: Expected) -> None:
    """Puts `said` into the row (unsaved). The next test is no promise and has no moment there: `earliest_of` tells it as it comes."""
    at = None if said.source is Source.TEST else said.at
    outage.expected_at, outage.expected_source, outage.expected_text = at, said.source.value, said.text
    outage.expected_low, outage.expected_high, outage.expected_of = said.low, said.high, said.n


def earliest_of(outage: Outage, now: datetime) -> datetime | None:
    """When its component can be up again at the earliest: when all the next tests are good. None when nothing tests it."""
    return earliest_of_each([outage], now).get(outage.pk)


def earliest_of_each(outages: Sequence[Outage], now: datetime) -> dict[int, datetime]:
    """The same of each of these outages that goes on and of which nothing else is expected, by its id: two queries for all of them."""
    open_ones = [one for one in outages if one.ended_at is None and one.expected_at is None]
    tests = _tests_of_each([one.component for one in open_ones], now)
    known = {one.pk: tests[one.component_id] for one in open_ones if one.component_id in tests}
    return {pk: max(test.earliest for test in found) for pk, found in known.items()}


def tests_of(component: Component, now: datetime) -> list[NextTest]:
    """When this component is asked next: by the breaker's test and by each enabled probe that does not find it well."""
    return _tests_of_each([component], now).get(component.pk, [])


def _tests_of_each(components: Sequence[Component], now: datetime) -> dict[int, list[NextTest]]:
    found: dict[int, list[NextTest]] = defaultdict(list)
    if not components:
        return found
    probes = Probe.objects.unscoped().filter(component__in=[one.pk for one in components], enabled=True, state="down")
    for probe in probes:
        found[probe.component_id].append(_test(probe, now))
    upstreams = {one.upstream_id: one.pk for one in components if one.upstream_id is not None}
    if upstreams:
        for breaker in Breaker.objects.unscoped().filter(pk__in=upstreams).out().select_related("upstream"):
            if not breaker.force and breaker.open_until is not None:
                needed = figures_of(breaker.upstream).config.success_threshold - breaker.successes
                found[upstreams[breaker.pk]].append(NextTest(max(breaker.open_until, now), max(needed, 1)))
    return found


def _test(probe: Probe, now: datetime) -> NextTest:
    due = (probe.last_at or now) + timedelta(seconds=probe.interval)
    return NextTest(max(due, now), max(probe.successes_to_up - probe.successes, 1), probe.interval)


def _maintenance_ends(component: Component, now: datetime) -> datetime | None:
    if component.organization_id is None:
        return None
    plans = Maintenance.objects.unscoped().standing().filter(organization=component.organization_id)
    return over_at([plan for plan in plans if plan.component_id in (None, component.pk)], now)


def _past(component: Component, outage: Outage) -> list[float]:
    """How long earlier outages of its kind took, the newest first: those that opened by themselves too, or that people recorded too, of
    which they said alike whether little was missing."""
    ended = Outage.objects.unscoped().filter(component=component, ended_at__isnull=False, began_at__lt=outage.began_at)
    if outage.by_hand:
        minor = Q(severity=Severity.MINOR.value)
        ended = ended.exclude(opened_by="").filter(minor if partly(outage.severity, outage.opened_by) else ~minor)
    else:
        ended = ended.filter(opened_by="")
    rows = ended.filter(ended_at__gt=F("began_at")).order_by("-began_at").values_list("began_at", "ended_at")
    return [(end - start).total_seconds() for start, end in rows[:MOST_PAST] if end is not None]
