"""When planned maintenance takes place, across changes of summer time and where plans overlap."""

from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from resilience.health.core.occurrences import (
    Window,
    active_at,
    is_over,
    joined,
    next_window,
    next_windows,
    over_at,
    overlaps_itself,
    readable,
    window_at,
    windows_between,
)
from resilience.health.core.rhythm import LAST, Every, Rhythm, cron_of, rhythm_of

BERLIN = ZoneInfo("Europe/Berlin")
KOLKATA = ZoneInfo("Asia/Kolkata")
START = datetime(2026, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class Plan:
    """A plan as the rules see it."""

    schedule: str = ""
    minutes: int = 0
    time_zone: str = "UTC"
    starts_at: datetime = START
    ends_at: datetime | None = None
    called_off_at: datetime | None = None


def once(start: datetime, hours: float, called_off_at: datetime | None = None) -> Plan:
    """A plan that takes place one time."""
    return Plan(starts_at=start, ends_at=start + timedelta(hours=hours), called_off_at=called_off_at)


def test_once_holds_from_its_start_up_to_and_without_its_end() -> None:
    """At 04:00 a window that ends at 04:00 is over, and there is no further one."""
    plan = once(datetime(2026, 3, 1, 2, tzinfo=UTC), 2)
    window = Window(plan.starts_at, plan.starts_at + timedelta(hours=2))
    assert window_at(plan, plan.starts_at - timedelta(microseconds=1)) is None
    assert window_at(plan, plan.starts_at) == window
    assert window_at(plan, window.ends_at - timedelta(microseconds=1)) == window
    assert window_at(plan, window.ends_at) is None
    assert next_window(plan, START) == window
    assert next_window(plan, plan.starts_at) is None
    assert is_over(plan, window.ends_at)
    assert not is_over(plan, START)


def test_a_start_that_the_clock_jumps_over_is_the_first_moment_after_the_gap() -> None:
    """On 29 March 2026 there is no 02:30 in Berlin: the window starts at 03:00 and lasts its 60 minutes."""
    plan = Plan("30 2 * * *", 60, "Europe/Berlin")
    before = datetime(2026, 3, 28, 12, tzinfo=UTC)
    windows = next_windows(plan, before, 2)
    assert windows[0].starts_at == datetime(2026, 3, 29, 3, tzinfo=BERLIN)
    assert windows[0].ends_at - windows[0].starts_at == timedelta(minutes=60)
    assert windows[1].starts_at == datetime(2026, 3, 30, 2, 30, tzinfo=BERLIN)


def test_a_start_that_the_clock_shows_twice_counts_once() -> None:
    """On 25 October 2026 Berlin has 02:30 two times: the first one counts, and asking within the second hour finds the next day's."""
    plan = Plan("30 2 * * *", 60, "Europe/Berlin")
    first = next_window(plan, datetime(2026, 10, 24, 12, tzinfo=UTC))
    assert first is not None
    assert first.starts_at == datetime(2026, 10, 25, 0, 30, tzinfo=UTC)
    second_hour = datetime(2026, 10, 25, 1, 15, tzinfo=UTC)
    assert window_at(plan, second_hour) == first
    following = next_window(plan, second_hour)
    assert following is not None
    assert following.starts_at == datetime(2026, 10, 26, 1, 30, tzinfo=UTC)


@pytest.mark.parametrize("day", ["2026-03-29", "2026-10-25"])
def test_local_time_is_the_truth_on_both_sides_of_a_change(day: str) -> None:
    """02:00 to 04:00 real hours: a window at 01:00 is at 01:00 on the clock before, on and after the day of a change."""
    plan = Plan("0 1 * * *", 120, "Europe/Berlin")
    change = datetime.fromisoformat(day).replace(tzinfo=BERLIN)
    windows = windows_between(plan, change - timedelta(days=2), change + timedelta(days=3))
    assert {window.starts_at.astimezone(BERLIN).hour for window in windows} == {1}
    assert {window.ends_at - window.starts_at for window in windows} == {timedelta(minutes=120)}


def test_a_zone_without_summer_time_keeps_its_distance_to_utc() -> None:
    """22:00 in Kolkata is 16:30 UTC in every month."""
    plan = Plan("0 22 * * 6", 30, "Asia/Kolkata")
    windows = windows_between(plan, datetime(2026, 1, 1, tzinfo=UTC), datetime(2026, 12, 31, tzinfo=UTC))
    assert len(windows) == 52
    assert {(window.starts_at.hour, window.starts_at.minute) for window in windows} == {(16, 30)}


def test_a_recurring_plan_is_bounded_by_its_first_moment_and_its_end() -> None:
    """No window starts before `starts_at`; one that would last beyond `ends_at` is cut there."""
    plan = Plan("0 * * * *", 30, starts_at=START + timedelta(hours=1), ends_at=START + timedelta(hours=2, minutes=10))
    windows = windows_between(plan, START - timedelta(days=1), START + timedelta(days=1))
    assert [(one.starts_at.hour, one.ends_at.hour, one.ends_at.minute) for one in windows] == [(1, 1, 30), (2, 2, 10)]
    assert is_over(plan, START + timedelta(hours=2, minutes=10))


def test_calling_off_ends_the_window_of_now_and_leaves_what_was() -> None:
    """Called off at 02:30, the window of 02:00 lasted until then, and no other comes."""
    off = datetime(2026, 5, 2, 2, 30, tzinfo=UTC)
    plan = Plan("0 2 * * *", 60, called_off_at=off)
    assert windows_between(plan, off - timedelta(days=1, hours=1), off + timedelta(days=3)) == [
        Window(off - timedelta(days=1, minutes=30), off - timedelta(hours=23, minutes=30)),
        Window(off - timedelta(minutes=30), off),
    ]
    assert window_at(plan, off) is None
    assert is_over(plan, off)
    assert next_window(once(off + timedelta(hours=1), 1, off), START) is None


def test_windows_of_one_plan_that_overlap_are_one() -> None:
    """Each half hour for 45 minutes is one long window, found as one."""
    plan = Plan("0,30 8-9 * * *", 45)
    day = datetime(2026, 5, 2, tzinfo=UTC)
    assert windows_between(plan, day, day + timedelta(days=1)) == [
        Window(day + timedelta(hours=8), day + timedelta(hours=10, minutes=15))
    ]
    assert window_at(plan, day + timedelta(hours=9)) is not None
    assert overlaps_itself(plan.schedule, plan.minutes)
    assert not overlaps_itself(plan.schedule, 30)


def test_of_several_plans_the_one_that_ends_last_comes_first() -> None:
    """Two hold, a third is later: the longer one first; all is over when the chain of them is."""
    now = datetime(2026, 5, 2, 2, 30, tzinfo=UTC)
    short, long = once(now - timedelta(hours=1), 2), once(now, 3)
    later = once(now + timedelta(hours=3), 1)
    assert [one.plan for one in active_at([short, later, long], now)] == [long, short]
    assert over_at([short, later, long], now) == now + timedelta(hours=4)
    assert over_at([later], now) is None


@pytest.mark.parametrize(
    "schedule",
    [
        "",
        "x",
        "* * * *",
        "* * * * * *",
        "60 * * * *",
        "0 0 30 2 *",
        "0 0 31 4,6 *",
        "@daily",
        "0 25 * * *",
        "5 4 * * mo",
    ],
)
def test_what_is_no_schedule_or_never_comes_about_has_no_window(schedule: str) -> None:
    """It is not readable, and a row that holds it stops nobody: it has no windows."""
    assert not readable(schedule)
    if schedule:
        plan = Plan(schedule, 30)
        assert next_window(plan, START) is None
        assert window_at(plan, START) is None


def test_a_zone_that_is_gone_has_no_window() -> None:
    """A recurring plan in a zone that this machine does not know has none, and raises nothing."""
    assert next_window(Plan("0 2 * * *", 30, "Mars/Olympus"), START) is None


def test_a_rare_schedule_is_found() -> None:
    """29 February at 03:00 is in 2028."""
    window = next_window(Plan("0 3 29 2 *", 30), START)
    assert window is not None
    assert window.starts_at == datetime(2028, 2, 29, 3, tzinfo=UTC)


minutes_of_day = st.integers(0, 59)
schedules = st.one_of(
    st.builds("{} {} * * *".format, st.integers(0, 59), st.integers(0, 23)),
    st.builds("{} {} * * {}".format, st.integers(0, 59), st.integers(0, 23), st.integers(0, 6)),
    st.builds("{} {} {} * *".format, st.integers(0, 59), st.integers(0, 23), st.integers(1, 31)),
    st.builds("*/{} * * * *".format, st.integers(5, 59)),
    st.builds("{} */{} * * *".format, st.integers(0, 59), st.integers(1, 23)),
)
zones = st.sampled_from(
    ["UTC", "Europe/Berlin", "Asia/Kolkata", "America/New_York", "Australia/Lord_Howe", "Africa/Cairo"]
)
moments = st.datetimes(datetime(2026, 1, 1), datetime(2028, 12, 31)).map(lambda at: at.replace(tzinfo=UTC))
plans = st.builds(Plan, schedules, st.integers(1, 3_000), zones, moments)


@given(plans, moments)
def test_the_next_window_is_after_now(plan: Plan, now: datetime) -> None:
    """It starts after now and after the plan's own start, lasts its minutes, and holds its start and not its end."""
    window = next_window(plan, now)
    assert window is not None
    assert window.starts_at > now
    assert window.starts_at >= plan.starts_at
    assert window.ends_at - window.starts_at == timedelta(minutes=plan.minutes)
    assert window_at(plan, window.starts_at) is not None


@given(plans, moments, st.integers(1, 20 * 24))
def test_windows_are_in_order_apart_and_within_reach(plan: Plan, since: datetime, hours: int) -> None:
    """They never overlap or touch, each shares a moment with the time asked for, and each is where `window_at` says so."""
    until = since + timedelta(hours=hours)
    windows = windows_between(plan, since, until)
    assert all(one.ends_at < later.starts_at for one, later in pairwise(windows))
    for window in windows:
        assert window.starts_at < until
        assert window.ends_at > since
        assert window_at(plan, max(window.starts_at, since)) is not None


@given(plans, moments)
def test_between_two_windows_nothing_is_active(plan: Plan, now: datetime) -> None:
    """`window_at` finds one if and only if `windows_between` has one that holds the moment."""
    around = windows_between(plan, now - timedelta(days=1), now + timedelta(days=1))
    assert (window_at(plan, now) is not None) == any(window.holds(now) for window in around)


@given(st.lists(st.tuples(moments, st.integers(0, 5_000)), max_size=12))
def test_joining_loses_and_adds_no_moment(spans: list[tuple[datetime, int]]) -> None:
    """A moment is within the joined windows exactly if it is within one of those given."""
    windows = [Window(start, start + timedelta(minutes=n)) for start, n in spans]
    one = joined(windows)
    for at in [edge for window in windows for edge in (window.starts_at, window.ends_at)]:
        assert any(window.holds(at) for window in windows) == any(window.holds(at) for window in one)


def whole_minutes(at: time) -> time:
    """A time as people choose it."""
    return time(at.hour, at.minute)


rhythms = st.one_of(
    st.builds(Rhythm, st.sampled_from([Every.DAY, Every.WORKDAY]), st.times().map(whole_minutes)),
    st.builds(Rhythm, st.just(Every.WEEK), st.times().map(whole_minutes), st.integers(1, 7)),
    st.builds(Rhythm, st.just(Every.MONTH), st.times().map(whole_minutes), st.integers(LAST, 31)),
)


@given(rhythms)
def test_a_rhythm_is_a_cron_line_and_back(rhythm: Rhythm) -> None:
    """What people choose is what they are shown again, and it comes about."""
    schedule = cron_of(rhythm)
    assert rhythm_of(schedule) == rhythm
    assert readable(schedule)


@pytest.mark.parametrize(
    "schedule",
    ["*/5 * * * *", "0 2 1 * 1", "0 2 * 3 *", "61 2 * * *", "0 24 * * *", "0 2 32 * *", "0 2 0 * *", "", "x"],
)
def test_what_is_no_rhythm_stays_a_cron_line(schedule: str) -> None:
    """Only what people can choose is put into words."""
    assert rhythm_of(schedule) is None


@pytest.mark.parametrize(
    ("rhythm", "days"),
    [
        (Rhythm(Every.WORKDAY, time(2)), {0, 1, 2, 3, 4}),
        (Rhythm(Every.WEEK, time(2), 7), {6}),
        (Rhythm(Every.WEEK, time(2), 1), {0}),
    ],
)
def test_days_of_the_week_are_those_that_people_mean(rhythm: Rhythm, days: set[int]) -> None:
    """Monday is 1 and Sunday is 7."""
    windows = windows_between(Plan(cron_of(rhythm), 30), START, START + timedelta(days=60))
    assert {window.starts_at.weekday() for window in windows} == days


def test_the_last_day_of_a_month() -> None:
    """31 January, 28 February, 31 March."""
    windows = next_windows(Plan(cron_of(Rhythm(Every.MONTH, time(2), LAST)), 30), START, 3)
    assert [window.starts_at.day for window in windows] == [31, 28, 31]
