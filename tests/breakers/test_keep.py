"""What is too old goes: transitions by age and number, windows of processes that are gone."""

from datetime import timedelta

import pytest

from portal.kit import clock
from resilience.breakers.actions import keep
from resilience.breakers.models import Breaker, Transition, Window
from tests.support.people import make_people, make_upstream


@pytest.fixture
def breaker(db: None) -> Breaker:
    """One of an upstream of Tidewater."""
    return Breaker.objects.create(upstream=make_upstream(make_people().tidewater), touched=clock.now())


def happened(breaker: Breaker, ago: timedelta, n: int = 1) -> None:
    """So many transitions, so long ago."""
    row = {"breaker": breaker, "at": clock.now() - ago, "before": "closed", "after": "open", "cause": "trip"}
    Transition.objects.bulk_create([Transition(**row) for _ in range(n)])


def test_old_transitions_and_windows_go(breaker: Breaker) -> None:
    """After 90 days, and after one; what is younger stays."""
    happened(breaker, timedelta(days=91), 3)
    happened(breaker, timedelta(days=89), 2)
    for process, ago in (("gone", timedelta(hours=25)), ("here", timedelta(hours=1))):
        Window.objects.create(breaker=breaker, process=process, at=clock.now() - ago, generation=1, figures="{}")
    assert keep.clean_up() == 4
    assert Transition.objects.unscoped().count() == 2
    assert [window.process for window in Window.objects.unscoped()] == ["here"]


def test_a_breaker_that_flaps_keeps_its_last_thousand(breaker: Breaker, monkeypatch: pytest.MonkeyPatch) -> None:
    """The oldest beyond them go, in batches; others keep theirs."""
    monkeypatch.setattr(keep, "BATCH", 7)
    happened(breaker, timedelta(days=1), keep.MOST + 20)
    newest = Transition.objects.unscoped().order_by("-pk").first()
    assert keep.clean_up() == 20
    assert Transition.objects.unscoped().count() == keep.MOST
    assert newest in Transition.objects.unscoped()
    assert keep.clean_up() == 0


def test_what_opened_it_stays_however_often_it_was_tested(breaker: Breaker) -> None:
    """Each test of an outage adds two transitions; why it opened is the one that a person looks for."""
    happened(breaker, timedelta(days=2))
    opening = Transition.objects.unscoped().get()
    tested = {"breaker": breaker, "at": clock.now(), "before": "half_open", "after": "open", "cause": "test"}
    Transition.objects.bulk_create([Transition(**tested) for _ in range(keep.MOST + 5)])
    assert keep.clean_up() == 5
    assert opening in Transition.objects.unscoped()
    assert Transition.objects.unscoped().count() == keep.MOST + 1
