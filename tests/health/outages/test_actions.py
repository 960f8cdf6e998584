"""Outages recorded, noted, expected back and closed by people, without a page between."""

import json
from datetime import timedelta
from typing import Any

import pytest

from portal.events.models import Event
from portal.kit import clock
from portal.kit.errors import Conflicting, Forbidden, Invalid, NotFound
from portal.kit.viewer import Permission, Viewer
from resilience.health import record_outage as from_code
from resilience.health.actions.close_outage import close_outage
from resilience.health.actions.expect_outage import expect_outage
from resilience.health.actions.note_outage import note_outage
from resilience.health.actions.reassess import reassess
from resilience.health.actions.record_outage import record_outage
from resilience.health.models import Component, Flip, Maintenance, Note, Outage, Probe
from tests.support.people import People, make_upstream

HOUR = timedelta(hours=1)


@pytest.fixture
def component(people: People) -> Component:
    """Tidewater's plans-api."""
    return Component.objects.get(upstream=make_upstream(people.tidewater))


@pytest.fixture
def alice(people: People) -> Viewer:
    """The admin."""
    return people.viewer(people.alice)


def by_itself(component: Component, **fields: Any) -> Outage:
    """An outage as the prober opens it."""
    now = clock.now()
    return Outage.objects.create(
        **{"component": component, "began_at": now - HOUR, "noticed_at": now, "severity": "major", **fields}
    )


def last_event(verb: str) -> dict[str, Any]:
    """What the newest event of this verb says."""
    event = Event.objects.filter(verb=verb).order_by("-id")[0]
    return {"subject": event.subject, "actor": event.actor, **json.loads(event.data)}


def test_recorded_by_hand(alice: Viewer, component: Component) -> None:
    """It keeps what was said, is open until a person closes it, and an event tells of it in the same transaction."""
    began, back = clock.now() - HOUR, clock.now() + HOUR
    outage = record_outage(
        viewer=alice,
        component_id=component.pk,
        severity="critical",
        cause="  The vendor\nsays so.  ",
        began_at=began,
        expected_at=back,
        expected_text="Says their status page.",
    )
    kept = Outage.objects.get(pk=outage.pk)
    assert (kept.severity, kept.cause, kept.opened_by) == ("critical", "The vendor says so.", "alice")
    assert (kept.began_at, kept.ended_at, kept.by_hand) == (began, None, True)
    assert (kept.expected_at, kept.expected_source, kept.expected_text) == (back, "person", "Says their status page.")
    event = last_event("outage.recorded")
    assert (event["subject"], event["component"], event["upstream"]) == (
        f"outage:{kept.pk}",
        "plans-api",
        component.upstream_id,
    )


def test_no_secret_is_kept(alice: Viewer, component: Component) -> None:
    """What a person pastes in is masked before it is stored, so that nothing that shows it can forget to; what fits still fits."""
    secret = "Bearer sk-abcdefgh1234 of jane@x.org"
    outage = record_outage(
        viewer=alice, component_id=component.pk, severity="major", cause=secret, expected_text=f"a {secret}"
    )
    expect_outage(viewer=alice, outage_id=outage.pk, text=f"b {secret}")
    note_outage(viewer=alice, outage_id=outage.pk, text="pwd=a " * 166)
    note_outage(viewer=alice, outage_id=outage.pk, text=f"c\n{secret}")
    close_outage(viewer=alice, outage_id=outage.pk, reason=f"d {secret}")
    kept = Outage.objects.get(pk=outage.pk)
    texts = [kept.cause, kept.expected_text, *Note.objects.order_by("-pk").values_list("text", flat=True)]
    assert texts[:4] == [f"{start}Bearer •••• of ••••@x.org" for start in ("", "b ", "d ", "c\n")]
    assert len(texts[4]) == 1_000
    told = " ".join([*Event.objects.values_list("data", flat=True), *Flip.objects.values_list("reason", flat=True)])
    assert "sk-" not in told
    assert "jane" not in told


def test_one_at_a_time(alice: Viewer, component: Component) -> None:
    """A second one is refused with the way to the one that goes on; after it is closed a new one may begin, but not within it."""
    first = record_outage(viewer=alice, component_id=component.pk, severity="minor", began_at=clock.now() - HOUR)
    with pytest.raises(Conflicting) as refused:
        record_outage(viewer=alice, component_id=component.pk, severity="major")
    assert refused.value.extra == {"outage": first.pk, "page": f"/settings/health/outages/{first.pk}"}
    assert refused.value.faults[0].pointer == "/component"
    close_outage(viewer=alice, outage_id=first.pk, reason="Answers again.")
    with pytest.raises(Invalid) as within:
        record_outage(viewer=alice, component_id=component.pk, severity="major", began_at=clock.now() - HOUR / 2)
    assert within.value.faults[0].pointer == "/began_at"
    assert record_outage(viewer=alice, component_id=component.pk, severity="major").pk != first.pk


@pytest.mark.parametrize(
    ("fields", "pointer"),
    [
        ({"severity": "bad"}, "/severity"),
        ({"severity": None}, "/severity"),
        ({"cause": "x" * 301}, "/cause"),
        ({"cause": "\x1b[31mred"}, "/cause"),
        ({"cause": 7}, "/cause"),
        ({"began_at": timedelta(minutes=5)}, "/began_at"),
        ({"began_at": timedelta(days=-400)}, "/began_at"),
        ({"expected_at": timedelta(minutes=-5)}, "/expected_at"),
        ({"expected_at": timedelta(days=400)}, "/expected_at"),
        ({"expected_text": "\u202ereversed"}, "/expected_text"),
    ],
)
def test_what_cannot_be_recorded(alice: Viewer, component: Component, fields: dict[str, Any], pointer: str) -> None:
    """Each fault is named at its place, and nothing is stored."""
    said: Any = {name: clock.now() + value if isinstance(value, timedelta) else value for name, value in fields.items()}
    with pytest.raises(Invalid) as refused:
        record_outage(viewer=alice, component_id=component.pk, **({"severity": "major"} | said))
    assert [fault.pointer for fault in refused.value.faults] == [pointer]
    assert not Outage.objects.exists()


def test_a_moment_without_its_offset_is_refused(alice: Viewer, component: Component) -> None:
    """Nobody guesses the zone."""
    with pytest.raises(Invalid, match="offset"):
        record_outage(
            viewer=alice, component_id=component.pk, severity="major", began_at=clock.now().replace(tzinfo=None)
        )


def test_who_may(people: People, component: Component) -> None:
    """A team mate who may only look is refused, so is a token without the scope; a stranger finds nothing; Breakwater is nobody's."""
    outage = by_itself(component)
    ours = Component.objects.create(slug="o8-itself", name="Breakwater itself")
    bob, charlie = people.viewer(people.bob), people.viewer(people.charlie)
    reader = people.viewer(people.alice, Permission.READ)
    for viewer, error in ((bob, Forbidden), (reader, Forbidden), (charlie, NotFound)):
        with pytest.raises(error):
            record_outage(viewer=viewer, component_id=component.pk, severity="major")
        with pytest.raises(error):
            note_outage(viewer=viewer, outage_id=outage.pk, text="Hello")
        with pytest.raises(error):
            expect_outage(viewer=viewer, outage_id=outage.pk, text="Soon")
        with pytest.raises(error):
            close_outage(viewer=viewer, outage_id=outage.pk, reason="Over")
    own = by_itself(ours)
    with pytest.raises(Forbidden):
        record_outage(viewer=people.viewer(people.alice), component_id=ours.pk, severity="major")
    with pytest.raises(Forbidden):
        close_outage(viewer=people.viewer(people.alice), outage_id=own.pk, reason="Over")
    assert not Note.objects.exists()
    assert Outage.objects.active().count() == 2
    assert not Event.objects.filter(verb__startswith="outage.").exists()


def test_closed_with_its_reason(alice: Viewer, component: Component) -> None:
    """The reason stands among the notes and in the event, with how long it took; it may have ended a while ago."""
    outage = record_outage(viewer=alice, component_id=component.pk, severity="minor", began_at=clock.now() - 3 * HOUR)
    ended = clock.now() - HOUR
    closed = close_outage(viewer=alice, outage_id=outage.pk, reason="Certificate renewed.", ended_at=ended)
    assert (closed.ended_at, closed.closed_by) == (ended, "alice")
    assert list(Note.objects.values_list("author", "text")) == [("alice", "Certificate renewed.")]
    event = last_event("outage.closed")
    assert event["reason"] == "Certificate renewed."
    assert abs(event["seconds"] - 7_200) < 5


def test_closing_what_is_over_changes_nothing(alice: Viewer, component: Component) -> None:
    """The second of two tabs is told who closed it, or that it ended by itself."""
    outage = by_itself(component)
    close_outage(viewer=alice, outage_id=outage.pk, reason="Over")
    with pytest.raises(Conflicting, match="alice closed"):
        close_outage(viewer=alice, outage_id=outage.pk, reason="Over too")
    with pytest.raises(Conflicting, match="alice closed"):
        expect_outage(viewer=alice, outage_id=outage.pk, text="Soon")
    Outage.objects.update(closed_by="")
    with pytest.raises(Conflicting, match="by itself"):
        close_outage(viewer=alice, outage_id=outage.pk, reason="Over too")
    assert Note.objects.count() == 1


def test_closing_one_that_opens_again_has_to_be_meant(alice: Viewer, component: Component) -> None:
    """While its component is down, an outage is closed only by who says so, and another one opens by itself after it."""
    Component.objects.update(state="down")
    Probe.objects.update(state="down", last_error="timed out")
    outage = by_itself(component)
    with pytest.raises(Conflicting, match="opens again") as refused:
        close_outage(viewer=alice, outage_id=outage.pk, reason="Noise")
    assert refused.value.faults[0].pointer == "/although_failing"
    close_outage(viewer=alice, outage_id=outage.pk, reason="Noise", although_failing=True)
    assert last_event("outage.closed")["still_down"] is True
    reassess([component.pk], now=clock.now())
    again = Outage.objects.active().get()
    outage.refresh_from_db()
    assert outage.ended_at is not None
    assert again.began_at >= outage.ended_at
    assert (again.opened_by, again.cause) == ("", "timed out.")
    reassess([component.pk], now=clock.now())
    assert Outage.objects.count() == 2


@pytest.mark.parametrize(
    ("fields", "pointer"),
    [
        ({"reason": " "}, "/reason"),
        ({"reason": "x" * 301}, "/reason"),
        ({"ended_at": timedelta(minutes=5)}, "/ended_at"),
        ({"ended_at": timedelta(hours=-2)}, "/ended_at"),
    ],
)
def test_what_cannot_close(alice: Viewer, component: Component, fields: dict[str, Any], pointer: str) -> None:
    """No reason, an end that is still to come, or one before it began."""
    outage = by_itself(component)
    said: Any = {name: clock.now() + value if isinstance(value, timedelta) else value for name, value in fields.items()}
    with pytest.raises(Invalid) as refused:
        close_outage(viewer=alice, outage_id=outage.pk, **({"reason": "Over"} | said))
    assert [fault.pointer for fault in refused.value.faults] == [pointer]
    assert Outage.objects.active().exists()


def test_notes_stay_in_order_and_may_come_after_the_end(alice: Viewer, component: Component) -> None:
    """Lines are kept, and what was learnt is written when it is over."""
    outage = by_itself(component)
    note_outage(viewer=alice, outage_id=outage.pk, text="  We called the vendor.\nThey look at it.\n")
    close_outage(viewer=alice, outage_id=outage.pk, reason="Over")
    note_outage(viewer=alice, outage_id=outage.pk, text="A disk was full.")
    texts = list(Note.objects.order_by("pk").values_list("text", flat=True))
    assert texts == ["We called the vendor.\nThey look at it.", "Over", "A disk was full."]
    assert last_event("outage.noted")["text"] == "A disk was full."


@pytest.mark.parametrize("text", ["", " \n ", "x" * 1_001, "a\x00b", "a\x07b"])
def test_what_is_no_note(alice: Viewer, component: Component, text: str) -> None:
    """Nothing, too much, or control characters."""
    outage = by_itself(component)
    with pytest.raises(Invalid) as refused:
        note_outage(viewer=alice, outage_id=outage.pk, text=text)
    assert refused.value.faults[0].pointer == "/text"
    assert not Note.objects.exists()


def test_what_a_person_expects_replaces_what_was_calculated(alice: Viewer, component: Component) -> None:
    """The event says what was expected before; where nothing is said any more, it is estimated again."""
    before = clock.now() + HOUR
    outage = by_itself(
        component, expected_at=before, expected_source="past", expected_low=60, expected_high=90, expected_of=6
    )
    back = clock.now() + 2 * HOUR
    told = expect_outage(viewer=alice, outage_id=outage.pk, at=back, text="The vendor says so.")
    assert (told.expected_at, told.expected_source, told.expected_of, told.expected_low) == (back, "person", 0, None)
    event = last_event("outage.expected")
    assert event["before"] == {"at": before.isoformat(timespec="seconds"), "source": "past", "text": ""}
    expect_outage(viewer=alice, outage_id=outage.pk, text="Not before Monday")
    outage.refresh_from_db()
    assert (outage.expected_at, outage.expected_text) == (None, "Not before Monday")
    expect_outage(viewer=alice, outage_id=outage.pk)
    outage.refresh_from_db()
    assert (outage.expected_at, outage.expected_source, outage.expected_text) == (None, "unknown", "")
    end = clock.now() + HOUR
    Maintenance.objects.create(
        organization_id=component.organization_id,
        title="x",
        starts_at=clock.now() - HOUR,
        ends_at=end,
        created_by="alice",
    )
    expect_outage(viewer=alice, outage_id=outage.pk)
    outage.refresh_from_db()
    assert (outage.expected_at, outage.expected_source) == (end, "maintenance")


def test_from_code(component: Component) -> None:
    """Code names its target as in `check_health`, and is told which outage goes on already."""
    made = from_code("tidewater/plans-api", "critical", cause="The watchdog says so.", actor="watchdog")
    outage = Outage.objects.get(pk=made)
    assert (outage.component, outage.severity, outage.opened_by) == (component, "critical", "watchdog")
    with pytest.raises(Conflicting) as refused:
        from_code("plans-api", "minor")
    assert refused.value.extra["outage"] == made
    with pytest.raises(NotFound):
        from_code("nowhere", "minor")
    Component.objects.get_or_create(organization=None, slug="breakwater", defaults={"name": "Breakwater itself"})
    with pytest.raises(Forbidden):
        from_code("breakwater", "minor")
