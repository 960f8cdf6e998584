"""Results become minutes, hours and days: each is written once, whole, and again when it was not done."""

from collections.abc import Callable
from datetime import datetime, timedelta

import pytest

from resilience.health import history
from resilience.health.core.histogram import Histogram
from resilience.health.models import DAY, HOUR, MINUTE, Bucket, Result
from tests.health.watching import NOON, Watched

pytestmark = pytest.mark.django_db
ONE_MINUTE, ONE_HOUR, ONE_DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
ClockAt = Callable[[datetime], None]


def counted(size: int) -> list[tuple[datetime, int, int]]:
    """Each bucket's moment, runs and failures, in order."""
    rows = Bucket.objects.unscoped().filter(size=size).order_by("at")
    return list(rows.values_list("at", "runs", "failed"))


def test_minutes(watched: Watched, clock_at: ClockAt) -> None:
    """A minute counts its runs, the failures among them, and the latencies of the good ones."""
    watched.ran(NOON, NOON + ONE_MINUTE, every=20, ms=120)
    watched.ran(NOON + timedelta(seconds=50), NOON + ONE_MINUTE, every=10, ms=9_000, ok=False, unanswered=True)
    clock_at(NOON + ONE_MINUTE)
    history.keep()
    [bucket] = Bucket.objects.unscoped()
    assert (bucket.at, bucket.runs, bucket.failed, bucket.unanswered) == (NOON, 4, 1, 1)
    assert (bucket.sum_ms, bucket.max_ms) == (360, 120)
    assert Histogram.read(bucket.histogram) == Histogram.of([120, 120, 120])


def test_unfinished_minutes_wait(watched: Watched, clock_at: ClockAt) -> None:
    """The present minute is no bucket yet."""
    watched.ran(NOON, NOON + ONE_MINUTE)
    clock_at(NOON + timedelta(seconds=59))
    history.keep()
    assert counted(MINUTE) == []


def test_late_runs_count(watched: Watched, clock_at: ClockAt) -> None:
    """A run that began in a minute and was written two minutes later is in that minute's bucket."""
    for minute in (1, 2):
        watched.ran(NOON + (minute - 1) * ONE_MINUTE, NOON + minute * ONE_MINUTE)
        clock_at(NOON + minute * ONE_MINUTE)
        history.keep()
    watched.ran(NOON + timedelta(seconds=59), NOON + ONE_MINUTE, every=1)
    clock_at(NOON + 3 * ONE_MINUTE)
    history.keep()
    assert counted(MINUTE) == [(NOON, 3, 0), (NOON + ONE_MINUTE, 2, 0)]


def test_blind_runs_say_nothing(watched: Watched, clock_at: ClockAt) -> None:
    """A run while we could reach nothing at all is counted as blind, and not against the target."""
    watched.ran(NOON, NOON + ONE_MINUTE, ok=False, blind=True)
    clock_at(NOON + ONE_MINUTE)
    history.keep()
    [bucket] = Bucket.objects.unscoped()
    assert (bucket.runs, bucket.failed, bucket.blind, bucket.histogram) == (0, 0, 2, "")


def test_twice_is_once(watched: Watched, clock_at: ClockAt) -> None:
    """The same work again changes nothing."""
    watched.ran(NOON, NOON + ONE_HOUR)
    clock_at(NOON + ONE_HOUR + 4 * ONE_MINUTE)
    for _again in range(2):
        history.roll_minutes(NOON + ONE_HOUR + 4 * ONE_MINUTE)
        history.roll_hours(NOON + ONE_HOUR + 4 * ONE_MINUTE)
    assert len(counted(MINUTE)) == 60
    assert counted(HOUR) == [(NOON, 120, 0)]


def test_a_minutes_work_is_done_once(watched: Watched, clock_at: ClockAt) -> None:
    """The keeper asks several times a minute; only the first time something is done."""
    clock_at(NOON + ONE_MINUTE)
    assert history.keep()
    clock_at(NOON + ONE_MINUTE + timedelta(seconds=15))
    assert not history.keep()
    clock_at(NOON + 2 * ONE_MINUTE)
    assert history.keep()


def test_hours_and_days_catch_up(watched: Watched, clock_at: ClockAt) -> None:
    """After a stop of two days everything that lay by is thinned, and nothing of it was removed before."""
    watched.ran(NOON, NOON + 2 * ONE_DAY, every=600)
    clock_at(NOON + 2 * ONE_DAY + 5 * ONE_MINUTE)
    history.keep()
    assert [runs for _at, runs, _failed in counted(HOUR)] == [6] * 48
    assert counted(DAY) == [(NOON.replace(hour=0), 72, 0), (NOON.replace(hour=0) + ONE_DAY, 144, 0)]
    assert Result.objects.unscoped().order_by("at").values_list("at", flat=True)[0] >= NOON + 2 * ONE_DAY - 2 * ONE_HOUR


def test_what_is_added_up_is_the_same(watched: Watched, clock_at: ClockAt) -> None:
    """An hour has the percentiles of all its results, not a mean of its minutes' percentiles."""
    watched.ran(NOON, NOON + timedelta(minutes=30), ms=90)
    watched.ran(NOON + timedelta(minutes=30), NOON + ONE_HOUR, ms=2_500)
    clock_at(NOON + ONE_HOUR + 4 * ONE_MINUTE)
    history.keep()
    hour = Bucket.objects.unscoped().get(size=HOUR)
    assert Histogram.read(hour.histogram) == Histogram.of([90] * 60 + [2_500] * 60)
    assert (hour.sum_ms, hour.max_ms) == (60 * 90 + 60 * 2_500, 2_500)


def test_results_go_and_failures_stay_longer(watched: Watched, clock_at: ClockAt) -> None:
    """Good results are kept for two hours, failures for two days."""
    watched.ran(NOON, NOON + ONE_HOUR, every=600)
    watched.ran(NOON, NOON + ONE_HOUR, every=1_200, ok=False)
    clock_at(NOON + 4 * ONE_HOUR)
    history.keep()
    assert list(Result.objects.unscoped().values_list("ok", flat=True)) == [False] * 3
    clock_at(NOON + timedelta(hours=50, minutes=7))
    history.keep()
    assert not Result.objects.unscoped().exists()


def test_an_hour_settles_first(watched: Watched, clock_at: ClockAt) -> None:
    """An hour is added up when the runs that began in it have been written, three minutes after its end."""
    watched.ran(NOON, NOON + ONE_HOUR)
    for minutes, written in ((2, []), (4, [(NOON, 120, 0)])):
        clock_at(NOON + ONE_HOUR + minutes * ONE_MINUTE)
        history.keep()
        assert counted(HOUR) == written
