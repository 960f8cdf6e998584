"""Fills a portal with upstreams and a month of what was found of them, as the keeper leaves it: by SQL, in seconds.

Each upstream is probed every 30 s: results of two hours, minutes of a day, hours and days of a month, uptimes, some outages, and what
waits for it. `python -m tests.bench.health.fill` does it in the portal of its environment, then obeys the words of its standard input
("page", "storage") and answers each with a line of JSON.
"""

import json
import sys
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any

import django
from django.core.management import call_command
from django.db import connection, transaction

UPSTREAMS = 500
ORGANIZATIONS = 5
MONTH, DAY, HOUR, MINUTE = timedelta(days=30), timedelta(days=1), timedelta(hours=1), timedelta(minutes=1)
EVERY = timedelta(seconds=30)
LATENCIES = (90, 110, 130, 160, 240, 700)


def fill(upstreams: int = UPSTREAMS) -> None:
    """Make organizations, upstreams and everything that a month leaves of them; alice is an admin of all."""
    now = datetime.now(UTC).replace(microsecond=0)
    with transaction.atomic():
        _people()
        _upstreams(upstreams, now)
    with transaction.atomic():
        _history(now)
        _uptimes(now)
        _snapshots(now)
    _settle()


def _people() -> None:
    from portal.accounts.models import User  # noqa: PLC0415  # models need django.setup()
    from portal.kit.viewer import Role  # noqa: PLC0415
    from portal.tenancy.models import Membership, Organization  # noqa: PLC0415

    alice = User.objects.create(username="alice")
    for number in range(ORGANIZATIONS):
        organization = Organization.objects.create(slug=f"harbour-{number}", name=f"Harbour {number}")
        Membership.objects.create(organization=organization, user=alice, role=Role.ADMIN.value)


def _upstreams(count: int, now: datetime) -> None:
    """Every fiftieth is down with an open breaker and an outage, every twentieth is slow; some items wait for each."""
    from portal.tenancy.models import Organization  # noqa: PLC0415
    from resilience.breakers.models import Breaker  # noqa: PLC0415
    from resilience.health.models import Component, Flip, Outage, Probe  # noqa: PLC0415
    from resilience.upstreams.models import Upstream  # noqa: PLC0415
    from syncqueue.models import Counter  # noqa: PLC0415

    owners = list(Organization.objects.all())
    began = now - timedelta(minutes=24)
    for number in range(count):
        owner = owners[number % len(owners)]
        slug = f"upstream-{number:03}"
        upstream = Upstream.objects.create(
            organization=owner, slug=slug, name=f"Upstream {number}", address="http://127.0.0.1:9/v1"
        )
        state = "down" if number % 50 == 7 else "slow" if number % 20 == 3 else "up"
        component = Component.objects.get(upstream=upstream)
        Component.objects.filter(pk=component.pk).update(state=state, since=began, created_at=now - MONTH)
        Probe.objects.filter(component=component).update(
            state=state, since=began, last_at=now, last_ok=state != "down", last_ms=112.0
        )
        Flip.objects.create(component=component, at=began, noticed_at=began + MINUTE, before="none", after=state)
        ended = [(now - n * DAY, now - n * DAY + timedelta(minutes=40 + n)) for n in (3, 9, 21)]
        if state == "down":
            Breaker.objects.update_or_create(
                upstream=upstream, defaults={"state": "open", "opened_at": began, "touched": now, "open_until": now}
            )
            ended.append((began, None))  # type: ignore[arg-type]
        else:
            Breaker.objects.update_or_create(upstream=upstream, defaults={"touched": now})
        for begin, end in ended:
            Outage.objects.create(
                component=component,
                began_at=begin,
                noticed_at=begin,
                ended_at=end,
                severity="major",
                cause="It answered 503",
            )
        names = {"queued": number % 7, "in_flight": 1, "retrying": 0, "failed": 0, "conflict": 0, "delivered": 10_000}
        Counter.objects.bulk_create(
            Counter(upstream=upstream, name=name, slot=slot, value=value if slot == 0 else 0)
            for name, value in names.items()
            for slot in range(16)
        )


def _history(now: datetime) -> None:
    """Each statement writes one moment of all probes."""
    with connection.cursor() as cursor:
        for at in _steps(now - 2 * HOUR, now, EVERY):
            cursor.execute(
                "INSERT INTO health_result (probe_id, at, ok, slow, ms, state, unanswered, maintenance, blind, by_hand, error, metadata)"
                " SELECT id, %s, %s, %s, 112.5, state, %s, %s, %s, %s, '', '{\"status\":200,\"bytes\":512}' FROM health_probe",
                [_time(at), True, False, False, False, False, False],
            )
        for size, start, step, runs in (
            (60, _floor(now, 60) - DAY, MINUTE, 2),
            (3_600, _floor(now, 3_600) - MONTH, HOUR, 120),
            (86_400, _floor(now, 86_400) - MONTH, DAY, 2_880),
        ):
            for at in _steps(start, _floor(now, size), step):
                text = _histogram(runs, at)
                cursor.execute(
                    "INSERT INTO health_bucket (probe_id, size, at, runs, failed, slow, unanswered, blind, sum_ms, max_ms, histogram)"
                    " SELECT id, %s, %s, %s, 0, 0, 0, 0, %s, 700, %s FROM health_probe",
                    [size, _time(at), runs, 120.0 * runs, text],
                )


def _uptimes(now: datetime) -> None:
    with connection.cursor() as cursor:
        for size, step in ((3_600, HOUR), (86_400, DAY)):
            for at in _steps(
                _floor(now, size) - MONTH, _floor(now, size) + (step if size == 86_400 else 0 * step), step
            ):
                down = 1_200.0 if at.day % 9 == 0 and size == 86_400 else 0.0
                cursor.execute(
                    "INSERT INTO health_uptime (component_id, size, at, up, slow, down, maintenance)"
                    " SELECT id, %s, %s, %s, 0, %s, 0 FROM health_component",
                    [size, _time(at), size - down, down],
                )


def _snapshots(now: datetime) -> None:
    from portal.tenancy.models import Organization  # noqa: PLC0415
    from resilience.health.models import SystemSnapshot  # noqa: PLC0415
    from resilience.health.system import made, read  # noqa: PLC0415

    system = made(read(None, now))
    parts = json.dumps({"parts": [part.as_dict() for part in system.parts], "caps": []}, separators=(",", ":"))
    minutes = list(_steps(_floor(now, 60) - DAY, _floor(now, 60), MINUTE))
    hours = list(_steps(_floor(now, 3_600) - MONTH, minutes[0], HOUR))
    for owner in [None, *Organization.objects.values_list("pk", flat=True)]:
        SystemSnapshot.objects.bulk_create(
            SystemSnapshot(
                organization_id=owner, at=at, score=system.score, status=system.status, weight=100, parts=parts
            )
            for at in sorted({*minutes, *hours})
        )


def _histogram(runs: int, at: datetime) -> str:
    from resilience.health.core.histogram import Histogram  # noqa: PLC0415

    random = Random(at.timestamp())
    return str(Histogram.of(random.choice(LATENCIES) for _ in range(runs)))


def _steps(start: datetime, end: datetime, step: timedelta) -> Iterator[datetime]:
    while start < end:
        yield start
        start += step


def _floor(at: datetime, size: int) -> datetime:
    epoch = int(at.timestamp())
    return datetime.fromtimestamp(epoch - epoch % size, UTC)


def _time(at: datetime) -> Any:
    return connection.ops.adapt_datetimefield_value(at)


def _settle() -> None:
    with connection.cursor() as cursor:
        cursor.execute("PRAGMA wal_checkpoint(TRUNCATE)" if connection.vendor == "sqlite" else "CHECKPOINT")
    if connection.vendor != "sqlite":
        with connection.cursor() as cursor:
            cursor.execute("ANALYZE")


def main() -> None:
    """Fill the portal of this environment, then answer each word with what its module finds."""
    django.setup()
    from tests.bench.health import page, storage  # noqa: PLC0415

    call_command("migrate", verbosity=0)
    words: dict[str, Callable[[], dict[str, Any]]] = {"page": page.look, "storage": storage.look}
    before = storage.octets()
    fill()
    print(json.dumps({"filled": UPSTREAMS, "before": before}), flush=True)
    for line in sys.stdin:
        print(json.dumps(words[line.strip()]()), flush=True)


if __name__ == "__main__":
    main()
