"""/metrics: who gets it, what it says, and that Prometheus can read it."""

import subprocess
from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
import time_machine
from django.db import connection
from django.db.models.functions import Now
from django.test import Client
from django.test.utils import CaptureQueriesContext
from prometheus_client.openmetrics.parser import text_string_to_metric_families as read_open_metrics
from prometheus_client.parser import text_string_to_metric_families as read_text

from portal.duties.models import ProcessingLock
from portal.kit import clock
from portal.monitoring import collector
from portal.monitoring.core.exposition import OPEN_METRICS, TEXT
from resilience.breakers.actions.force import force_open
from resilience.breakers.actions.keep import clean_up as tidy_up
from resilience.breakers.actions.reset import reset
from resilience.breakers.figures import figures_of
from resilience.breakers.models import Total, Transition
from resilience.health.models import Probe
from resilience.patterns.typing import Verdict
from syncqueue.actions.keep import clean_up
from syncqueue.adapters.base import Conflicted, Delivered, Rejected, Unknown
from tests.monitoring.conftest import SECRET, World, figure, scrape
from tests.monitoring.fill import METADATA, fill
from tests.support.breakers import still_breakers, stop
from tests.support.conflicts import answer, desk
from tests.support.people import make_token

Away = Callable[[], AbstractContextManager[None]]
PROMTOOL = "/usr/bin/promtool"
MINE = {"organization": "tidewater", "upstream": "plans-api"}


@pytest.mark.parametrize("who", ["nobody", "alice", "bob", "charlie"])
def test_without_a_key_it_is_closed_for_everybody(world: World, who: str) -> None:
    """A portal whose operator has set no key has no such page, and an empty key opens nothing."""
    assert world.browser(who).get("/metrics").status_code == 404
    assert world.browser(who).get("/metrics", headers={"Authorization": "Bearer "}).status_code == 404


@pytest.mark.parametrize("who", ["nobody", "alice", "bob", "charlie"])
def test_a_session_is_no_key(world: World, key: str, who: str) -> None:
    """It tells of all organizations, so that no role in one of them opens it."""
    response = world.browser(who).get("/metrics")
    assert response.status_code == 401
    assert response.headers["WWW-Authenticate"].startswith("Bearer")
    assert b"tidewater" not in response.content


@pytest.mark.parametrize(
    "said", ["Bearer wrong", "Basic {key}", "{key}", "Bearer {key}x", "Bearer {token}", "Bearer ü"]
)
def test_a_wrong_key_is_refused(world: World, key: str, client: Client, said: str) -> None:
    """Neither another word nor a token of the API opens it."""
    token = make_token(world.people.alice, world.people.tidewater)
    response = client.get("/metrics", headers={"Authorization": said.format(key=key, token=token)})
    assert response.status_code == 401


def test_whoever_guesses_has_to_wait(world: World, key: str, client: Client, settings: object) -> None:
    """After some wrong keys from an address there is no answer for a while, and the right one still opens."""
    settings.BREAKWATER_STRANGER_RATE, settings.BREAKWATER_STRANGER_BURST = 0.01, 3  # type: ignore[attr-defined]
    seen = [client.get("/metrics", headers={"Authorization": "Bearer wrong"}).status_code for _ in range(5)]
    assert seen[:3] == [401] * 3
    assert seen[-1] == 429
    assert scrape(client)


def test_nobody_keeps_it(world: World, key: str, client: Client) -> None:
    """No proxy may answer with what another one got."""
    response = client.get("/metrics", headers={"Authorization": f"Bearer {key}"})
    assert "no-store" in response.headers["Cache-Control"]


def test_both_formats_by_what_is_asked_for(world: World, key: str, client: Client) -> None:
    """Prometheus asks for OpenMetrics and gets it; a browser gets text. Both say the same, and the reference parsers read both."""
    asked = "application/openmetrics-text;version=1.0.0,text/plain;version=0.0.4;q=0.5,*/*;q=0.1"
    headers = {"Authorization": f"Bearer {key}"}
    assert client.get("/metrics", headers=headers).headers["Content-Type"] == TEXT
    assert client.get("/metrics", headers={**headers, "Accept": asked}).headers["Content-Type"] == OPEN_METRICS
    plain, modern = list(read_text(scrape(client))), list(read_open_metrics(scrape(client, accept=asked)))
    assert {one.name: one.type for one in plain} == {one.name: one.type for one in modern}
    assert len(plain) > 40


def test_promtool_finds_nothing_wrong(world: World, key: str, client: Client, working: None) -> None:
    """Prometheus' own tool reads a real answer and has no word against a name, a type or a help text."""
    Probe.objects.unscoped().update(last_at=clock.now(), last_ms=21.5)
    world.enqueue("alice")
    stop(world.plans)
    checked = subprocess.run(
        [PROMTOOL, "check", "metrics"], input=scrape(client), text=True, capture_output=True, check=False
    )
    assert (checked.returncode, checked.stdout, checked.stderr) == (0, "", "")


def test_the_queue_and_what_came_of_deliveries(world: World, key: str, client: Client) -> None:
    """Each answer of an upstream is counted once, where it belongs, and for its upstream alone."""
    for entity in ("p-1", "p-2", "p-3", "p-4"):
        world.enqueue("alice", entity_id=entity)
    world.enqueue("charlie")
    text = scrape(client)
    assert figure(text, "breakwater_queue_items", **MINE, state="queued") == 4
    assert figure(text, "breakwater_queue_items", organization="northlight", state="queued") == 1
    at = desk()
    jobs = [job for job in at.turn([]).assignments if job.upstream_id == world.plans.pk]
    text = scrape(client)
    assert figure(text, "bulkhead_active", **MINE) == 4
    answers = (
        Delivered('"2"', None, "sent"),
        Rejected("It refused this", "refused", 422),
        Unknown("No answer in time", "timed-out"),
        Conflicted({"title": "Theirs"}, '"9"', "Somebody else changed it"),
    )
    for job, outcome in zip(jobs, answers, strict=True):
        answer(at, job, outcome)
    text = scrape(client)
    outcomes = {
        outcome: figure(text, "breakwater_queue_deliveries_total", **MINE, outcome=outcome)
        for outcome in collector.OUTCOMES
    }
    assert outcomes == {"delivered": 1, "refused": 2, "retried": 1, "merged": 0}
    assert figure(text, "bulkhead_executions_total", **MINE, state="active") == 4
    for name, count in (
        ("breakwater_queue_enqueued_total", 4),
        ("retry_attempts_total", 1),
        ("retry_give_ups_total", 1),
        ("timeout_operations_total", 1),
        ("breakwater_conflicts_total", 1),
        ("bulkhead_active", 0),
        ("bulkhead_max_concurrent", 4),
    ):
        assert figure(text, name, **MINE) == count, name


def test_a_counter_never_falls(world: World, key: str, client: Client) -> None:
    """Whatever happens between two scrapes: deliveries, a breaker that opens and closes, items that are cleaned up, rows that go."""
    stop(world.ai)
    for entity in ("p-1", "p-2"):
        world.enqueue("alice", entity_id=entity)
    seen = [counters(scrape(client))]
    at = desk()
    for job in at.turn([]).assignments:
        answer(at, job)
    seen.append(counters(scrape(client)))
    alice = world.people.viewer(world.people.alice)
    force_open(viewer=alice, upstream_id=world.plans.pk, reason="a test")
    reset(viewer=alice, upstream_id=world.plans.pk)
    seen.append(counters(scrape(client)))
    Transition.objects.unscoped().delete()
    with time_machine.travel(clock.now() + timedelta(days=60), tick=False):
        clean_up()
        tidy_up()
    seen.append(counters(scrape(client)))
    for before, after in pairwise(seen):
        assert set(before) <= set(after)
        assert {name: (before[name], after[name]) for name in before if after[name] < before[name]} == {}
    assert seen[-1] != seen[0]


def counters(text: str) -> dict[str, float]:
    """Every counter of a scrape with its labels."""
    return {
        f"{sample.name}{sorted(sample.labels.items())}": sample.value
        for family in read_text(text)
        if family.type == "counter"
        for sample in family.samples
    }


def test_breakers_are_counted_over_all_processes(world: World, key: str, client: Client) -> None:
    """What two processes counted is added up, and each change of state is counted once."""
    for owner, results in (("pump-0#1", (True, True, False)), ("prober#1", (True,))):
        runtime = still_breakers(owner)
        breaker = runtime.of(world.plans.pk, "plans-api", figures_of(world.plans))
        for good in results:
            breaker.admit().done(Verdict.SUCCESS if good else Verdict.FAILURE, 0.01)
        runtime.round()
    text = scrape(client)
    assert figure(text, "circuit_breaker_calls_total", **MINE, result="success") == 3
    assert figure(text, "circuit_breaker_calls_total", **MINE, result="failure") == 1
    assert figure(text, "circuit_breaker_state", **MINE, state="closed") == 1
    assert figure(text, "circuit_breaker_state_changes_total", **MINE, to="open", from_="closed") == 0
    force_open(viewer=world.people.viewer(world.people.alice), upstream_id=world.plans.pk, reason="a test")
    text = scrape(client)
    assert figure(text, "circuit_breaker_state", **MINE, state="open") == 1
    assert figure(text, "circuit_breaker_forced", **MINE, forced="open") == 1
    assert figure(text, "circuit_breaker_state_changes_total", **MINE, to="open", from_="closed") == 1


def test_a_process_that_could_not_write_tells_later(world: World, away: Away) -> None:
    """Counts that the database did not take are not lost, and none is added twice."""
    runtime = still_breakers()
    breaker = runtime.of(world.plans.pk, "plans-api", figures_of(world.plans))
    breaker.admit().done(Verdict.SUCCESS, 0.01)
    with away():
        runtime.round()
    breaker.admit().done(Verdict.SUCCESS, 0.01)
    with time_machine.travel(clock.now() + timedelta(seconds=5), tick=False):
        runtime.round()
    with time_machine.travel(clock.now() + timedelta(seconds=10), tick=False):
        runtime.round()
    totals = dict(Total.objects.unscoped().values_list("name", "value"))
    assert totals == {"success": 2}


def test_lag_and_assignments_of_each_organization(world: World, key: str, client: Client) -> None:
    """How long analytics events wait, how many assignments do, and how many a person has to look at."""
    with time_machine.travel(clock.now() - timedelta(minutes=7), tick=False):
        world.track("alice", "e-1")
    for person in ("p-1", "p-2"):
        world.assign("alice", person)
    at = desk()
    for job in at.turn([]).assignments:
        if job.kind == "assignment" and job.entity_id.endswith("p-2"):
            answer(at, job, Rejected("It refused this", "refused", 422))
    text = scrape(client)
    assert figure(text, "breakwater_analytics_ingest_lag_seconds", organization="tidewater") == pytest.approx(
        420, abs=5
    )
    assert figure(text, "breakwater_analytics_ingest_lag_seconds", organization="northlight") == 0
    assert figure(text, "breakwater_assignments_pending", organization="tidewater") == 1
    assert figure(text, "breakwater_assignments_stuck", organization="tidewater") == 1


def test_probes_and_certificates(world: World, key: str, client: Client) -> None:
    """What the prober counted, when a certificate ends that it saw, and by how much the most belated probe is late."""
    now = clock.now()
    mine = Probe.objects.unscoped().filter(component__upstream=world.plans)
    Probe.objects.unscoped().update(last_at=now, interval=30.0)
    mine.update(runs=10, runs_failed=2, runs_ms=1_500.0, skipped=1, last_ms=120.0, last_metadata=METADATA)
    mine.update(last_at=now - timedelta(seconds=100))
    text = scrape(client)
    labels = {"organization": "tidewater", "component": "plans-api", "probe": "answers"}
    for name, value in (
        ("breakwater_probe_runs_total", 10),
        ("breakwater_probe_failures_total", 2),
        ("breakwater_probe_skipped_total", 1),
        ("breakwater_probe_run_seconds_total", 1.5),
        ("breakwater_probe_last_run_seconds", 0.12),
        ("breakwater_certificate_expiry_timestamp_seconds", datetime(2027, 1, 2, 3, 4, tzinfo=UTC).timestamp()),
    ):
        assert figure(text, name, **labels) == value, name
    assert figure(text, "breakwater_probe_overdue_seconds") == pytest.approx(70, abs=5)


@pytest.mark.parametrize(
    "metadata", ["", "{", "[]", '{"tls_until": 7}', '{"tls_until": "soon"}', '{"tls_until"', "null"]
)
def test_metadata_that_tell_no_certificate(world: World, key: str, client: Client, metadata: str) -> None:
    """What an upstream made a probe keep cannot break the page."""
    Probe.objects.unscoped().update(last_metadata=metadata, last_at=clock.now())
    assert "breakwater_certificate_expiry" not in scrape(client)


def test_a_label_cannot_break_out(world: World, key: str, client: Client) -> None:
    """A name that people chose is text between quotes, whatever is in it."""
    Probe.objects.unscoped().filter(component__upstream=world.plans).update(name='a"} 1\n\\evil{x="')
    [family] = [one for one in read_text(scrape(client)) if one.name == "breakwater_probe_runs"]
    assert 'a"} 1\n\\evil{x="' in {sample.labels["probe"] for sample in family.samples}


def test_workers_and_readiness(world: World, key: str, client: Client, working: None) -> None:
    """While every duty is held the portal is ready; a dead prober is named, and it is not."""
    text = scrape(client)
    assert figure(text, "breakwater_ready") == 1
    assert figure(text, "breakwater_duty_up", duty="prober") == 1
    ProcessingLock.objects.filter(duty="prober").update(heartbeat_at=Now() - timedelta(minutes=5))
    text = scrape(client)
    assert figure(text, "breakwater_ready") == 0
    assert figure(text, "breakwater_duty_up", duty="prober") == 0
    assert figure(text, "breakwater_duty_up", duty="keeper") == 1
    assert figure(text, "breakwater_duty_heartbeat_age_seconds", duty="prober") == pytest.approx(300, abs=10)


def test_while_the_database_is_away_it_says_so(world: World, key: str, client: Client, away: Away) -> None:
    """One figure instead of a failed scrape, and no word of where the database is."""
    with away():
        text = scrape(client)
    assert text.splitlines()[2:] == ["breakwater_database_up 0"]
    assert SECRET not in text
    assert figure(scrape(client), "breakwater_database_up") == 1


def test_500_upstreams_cost_no_more_queries_than_four(world: World, key: str, client: Client) -> None:
    """Nothing is asked per upstream, so that a scrape stays cheap, and its size is bounded by upstreams and probes."""
    fill(2, 4)
    with CaptureQueriesContext(connection) as few:
        small = scrape(client)
    fill(5, 496)
    with CaptureQueriesContext(connection) as many:
        large = scrape(client)
    assert len(many) == len(few) <= 25
    assert large.count("\n") < 60 * 500
    assert figure(large, "breakwater_metrics_left_out", kind="upstream") == 0
    assert len(small) < len(large)


def test_beyond_the_most_the_oldest_are_shown(
    world: World, key: str, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The number of series is bounded whatever people add, and it says how many are left out."""
    monkeypatch.setattr(collector, "MOST", 2)
    text = scrape(client)
    assert "northlight" not in "".join(line for line in text.splitlines() if "upstream=" in line)
    assert figure(text, "breakwater_metrics_left_out", kind="upstream") == 1
    assert figure(text, "breakwater_metrics_left_out", kind="probe") == 1
