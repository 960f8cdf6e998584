"""The text formats, what is kept for a moment, and a duty that changes hands."""

from datetime import timedelta
from threading import Event, Thread

import pytest
from django.db import OperationalError
from django.db.models.functions import Now

from portal.duties import registry
from portal.duties.context import OVER, Context
from portal.duties.health import faults
from portal.duties.models import ProcessingLock
from portal.duties.registry import Duty
from portal.duties.tasks import run_duty
from portal.kit import processes
from portal.monitoring import lately
from portal.monitoring.core.exposition import Family, labels, text, wants_open_metrics
from portal.monitoring.lately import Lately, Slow


@pytest.mark.parametrize(
    ("accept", "modern"),
    [
        ("", False),
        ("*/*", False),
        ("text/plain", False),
        ("application/openmetrics-text", True),
        ("application/openmetrics-text; version=1.0.0; charset=utf-8", True),
        ("application/openmetrics-text;version=1.0.0;q=0.5,text/plain;version=0.0.4;q=0.3,*/*;q=0.2", True),
        ("application/openmetrics-text;q=0.1, text/plain", False),
        ("application/openmetrics-text;q=0", False),
        ("application/openmetrics-text;q=high", False),
        ("text/html,application/xhtml+xml,*/*;q=0.8", False),
        (";;,,q=,=", False),
    ],
)
def test_who_gets_which_format(accept: str, modern: bool) -> None:
    """The greater q wins; whatever else is in the header, there is an answer."""
    assert wants_open_metrics(accept) is modern


def test_the_formats() -> None:
    """Labels are quoted, a metric without figures is left out, and a counter's family has no suffix in OpenMetrics."""
    runs = Family("runs_total", "counter", "Runs.")
    runs.add(3, labels(name='a "b"\\\n', from_="x"))
    body = 'runs_total{name="a \\"b\\"\\\\\\n",from="x"} 3\n'
    families = [runs, Family("empty", "gauge", "Nothing.")]
    assert text(families) == "# HELP runs_total Runs.\n# TYPE runs_total counter\n" + body
    assert text(families, open_metrics=True) == "# HELP runs Runs.\n# TYPE runs counter\n" + body + "# EOF\n"


class Clock:
    """A clock that stands until it is set."""

    now = 100.0

    def __call__(self) -> float:
        return self.now


def test_what_is_kept_for_a_moment() -> None:
    """A value is read once within its time, each key by itself."""
    clock, reads = Clock(), []
    kept: Lately[int] = Lately(1.0, clock=clock)

    def read() -> int:
        reads.append(clock.now)
        return len(reads)

    assert [kept.get("a", read), kept.get("a", read), kept.get("b", read)] == [1, 1, 2]
    clock.now += 1.0
    assert kept.get("a", read) == 3


def test_what_takes_long_is_kept_longer() -> None:
    """With a share of a tenth, what took two seconds is kept for twenty."""
    clock = Clock()
    kept: Lately[float] = Lately(1.0, share=0.1, clock=clock)

    def read() -> float:
        clock.now += 2.0
        return clock.now

    assert kept.get("", read) == 102.0
    clock.now = 121.9
    assert kept.get("", read) == 102.0
    clock.now = 122.0
    assert kept.get("", read) == 124.0


def test_a_failure_is_kept_too() -> None:
    """A database that is away is not asked again by each who comes."""
    clock, asked = Clock(), []
    kept: Lately[int] = Lately(1.0, clock=clock)

    def read() -> int:
        asked.append(1)
        raise OperationalError("gone")

    for _ in range(3):
        with pytest.raises(OperationalError, match="gone"):
            kept.get("", read)
    assert len(asked) == 1
    clock.now += 1
    assert kept.get("", lambda: 7) == 7


def test_nobody_waits_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    """While one reads and gets no answer, the others are told so after a while."""
    monkeypatch.setattr(lately, "PATIENCE", 0.05)
    kept: Lately[int] = Lately(1.0)
    begun, go_on = Event(), Event()

    def read() -> int:
        begun.set()
        go_on.wait(10)
        return 1

    first = Thread(target=kept.get, args=("", read))
    first.start()
    try:
        begun.wait(10)
        with pytest.raises(Slow):
            kept.get("", read)
    finally:
        go_on.set()
        first.join()
    assert kept.get("", read) == 1


def test_keys_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """However many sets of organizations ask, only the latest are kept."""
    monkeypatch.setattr(lately, "MOST", 2)
    kept: Lately[int] = Lately(1.0)
    for key in range(5):
        kept.get(key, lambda: 1)
    assert kept.get(4, lambda: 2) == 1
    assert kept.get(0, lambda: 2) == 2


@pytest.mark.django_db
@pytest.mark.parametrize(("reason", "ready"), [(OVER, True), ("its supervisor asked it to", False)])
def test_a_duty_that_changes_hands_is_no_fault(reason: str, ready: bool) -> None:
    """A bounded run that is over is followed by the next within seconds; that alone does not make the portal unready."""
    registry.register(Duty("test-hands", lambda context: context.end(reason)))
    assert run_duty("test-hands") == reason
    assert (faults(["test-hands"]) == {}) is ready
    ProcessingLock.objects.filter(duty="test-hands").update(heartbeat_at=Now() - timedelta(seconds=11))
    assert faults(["test-hands"])
    assert ProcessingLock.objects.take("test-hands", processes.myself())


@pytest.mark.django_db
def test_a_duty_that_fails_again_and_again_is_a_fault() -> None:
    """A duty that ends by an error at once is never taken for one that changes hands."""

    def fail(_context: Context) -> None:
        raise ValueError("broken")

    registry.register(Duty("test-fails", fail))
    for _ in range(2):
        assert run_duty("test-fails") == "it failed"
        assert faults(["test-fails"]) == {"test-fails": "nobody runs it"}
