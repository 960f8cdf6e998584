"""The recent events of the overview: each with what it is about, and nothing pushed out by what comes many at a time."""

from datetime import UTC, datetime, timedelta

from portal.events.record import record
from portal.overview.recent import Told, recent
from resilience.health.models import Component
from tests.support.people import People

NOON = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)


def happened(people: People, verb: str, subject: str, minutes: int, **data: object) -> None:
    """One event of Tidewater."""
    at = NOON + timedelta(minutes=minutes)
    record(verb=verb, subject=subject, actor="breakwater", organization_id=people.tidewater.pk, at=at, data=data)


def told(people: People) -> list[Told]:
    """What alice reads."""
    return recent(people.viewer(people.alice), {})


def test_an_outage_is_of_a_component(people: People) -> None:
    """By its present name, also of a service that is no upstream; of a probe its own name follows; a removed one has its old name."""
    Component.objects.create(organization=people.tidewater, slug="figma", name="Figma files")
    Component.objects.create(organization=people.northlight, slug="gone", name="Of others")
    happened(people, "outage.opened", "outage:1", 1, component="figma", upstream=None, reason="Connection refused.")
    happened(people, "probe.updated", "probe:1", 2, component="figma", upstream=None, probe="answers")
    happened(people, "component.removed", "component:2", 3, component="gone", upstream=None, name="Old one")
    assert [(one.word, one.about) for one in told(people)] == [
        ("A service is not watched any more", "Old one"),
        ("A probe was changed", "Figma files, answers"),
        ("An outage opened", "Figma files"),
    ]


def test_an_outage_says_when_it_is_back_and_how_long_it_took(people: People) -> None:
    """What was said stands in the line, as do the time that is expected and the length."""
    happened(
        people, "outage.expected", "outage:1", 1, component="figma", at="2020-01-02T03:30:00+00:00", text="they say"
    )
    happened(people, "outage.expected", "outage:1", 2, component="figma", at=None, text="")
    happened(people, "outage.closed", "outage:1", 3, component="figma", seconds=102.4, reason="")
    details = [one.detail.replace("\u00a0", " ") for one in told(people)]
    assert details == ["It took 1 min 42 s.", "", "2 Jan 2020 03:30, they say"]


def test_an_outage_ended_when_its_page_says(people: People) -> None:
    """And not when that was noticed."""
    ended = NOON + timedelta(minutes=2)
    happened(people, "outage.closed", "outage:1", 3, component="figma", seconds=60, ended_at=ended.isoformat())
    happened(people, "outage.closed", "outage:2", 4, component="figma", seconds=60, ended_at=None)
    assert [one.at for one in told(people)] == [NOON + timedelta(minutes=4), ended]


def test_conflicts_settled_by_rule_are_one_line(people: People) -> None:
    """With the time of the newest; the outage that ended before them stays, however many they are and whatever is among them."""
    happened(people, "outage.closed", "outage:1", 0)
    for n in range(1, 31):
        happened(people, "item.failed" if n == 7 else "conflict.merged", f"conflict:{n}", n)
    happened(people, "breaker.closed", "upstream:1", 40)
    happened(people, "conflict.merged", "conflict:99", 41)
    assert [(one.word, one.at.minute) for one in told(people)] == [
        ("A conflict was settled by rule", 41),
        ("The breaker closed", 40),
        ("29 conflicts were settled by rule", 30),
        ("An item failed", 7),
        ("An outage ended", 0),
    ]
