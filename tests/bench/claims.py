"""How long a claim takes with ten thousand rows, with a million, and with one stuck lane of a hundred thousand items.

A claim is what a pump does to fill its slots: one transaction that leases 50 lanes, reads their heads, checks them, and writes
their attempts and events down. Two portals, a small and a large one, take turns, so that whatever else the machine does meets
both alike. Each is a process of this module in the portal's environment that obeys words from its standard input. Rows beyond the
first ten thousand are made by SQL from an item that was really enqueued; the lanes that are claimed were enqueued as always and
have waited longest.
"""

import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import timedelta
from random import Random
from statistics import median

import django
from django.db import connection, models
from django.db.models import F

LANES, EACH = 2_500, 4
ROWS, STUCK = 1_000_000, 100_000
CLAIMS = 20
SLOTS = 50


@dataclass(frozen=True, slots=True)
class Claims:
    """The milliseconds of claims: the small portal's and, in between, those of the large one."""

    small: list[float]
    large: list[float]

    @property
    def ratio(self) -> float:
        """How much longer the large portal takes, by medians."""
        return median(self.large) / median(self.small)


def measure(small: Mapping[str, str], large: Mapping[str, str]) -> tuple[Claims, Claims]:
    """Return the claims at ten thousand and a million rows, and again after the stuck lane came into the large portal."""
    with ExitStack() as stack:
        say_small, say_large = stack.enter_context(_portal(small)), stack.enter_context(_portal(large))
        say_large("more")
        without = _in_turn(say_small, say_large)
        say_large("stuck")
        return without, _in_turn(say_small, say_large)


def _in_turn(small: Callable[[str], float], large: Callable[[str], float]) -> Claims:
    pairs = [(small("claim"), large("claim")) for _ in range(CLAIMS + 2)][2:]  # the first ones warm caches up
    return Claims([pair[0] for pair in pairs], [pair[1] for pair in pairs])


def told(without: Claims, stuck: Claims, database: str) -> str:
    """Return the medians and ratios as lines."""
    return "\n".join(
        f"  {database:<11} {name:<44} {median(claims.small):6.1f} ms {median(claims.large):6.1f} ms   {claims.ratio:.2f}"
        for name, claims in (
            ("10 thousand / 1 million rows", without),
            ("the same, and a stuck lane of 100 thousand", stuck),
        )
    )


@contextmanager
def _portal(env: Mapping[str, str]) -> Iterator[Callable[[str], float]]:
    """Run this module in a portal's environment and give a way to make it obey one word."""
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.bench.claims"],
        env=dict(env),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )

    def say(word: str) -> float:
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write(word + "\n")
        process.stdin.flush()
        return float(process.stdout.readline())

    try:
        say("fill")
        yield say
    finally:
        process.communicate("")


def main() -> None:
    """Obey until the input ends; answer each word with its milliseconds."""
    django.setup()
    verbs: dict[str, Callable[[], None]] = {
        "fill": _fill,
        "claim": _Claimer(),
        "more": _more_lanes,
        "stuck": _stuck_lane,
    }
    for line in sys.stdin:
        begun = time.perf_counter()
        verbs[line.strip()]()
        print(1000 * (time.perf_counter() - begun), flush=True)


def _fill() -> None:
    """Enqueue ten thousand items, an hour ago."""
    from syncqueue.models import Lane  # noqa: PLC0415  # models need django.setup()
    from tests.bench import ours  # noqa: PLC0415
    from tests.bench.order import Order  # noqa: PLC0415

    ours.fill(Order("http://127.0.0.1:9/plans", LANES * EACH, LANES))
    Lane.objects.unscoped().update(ready_at=F("ready_at") - timedelta(hours=1))
    _checkpoint()


class _Claimer:
    """Claims as a pump with free slots does, and forgets what it holds."""

    def __init__(self) -> None:
        from resilience.breakers.runtime import Runtime  # noqa: PLC0415
        from syncqueue.actions.deliver import ALL, Desk, Rules  # noqa: PLC0415

        self.desk = Desk(owner="bench", share=ALL, rules=Rules.from_settings(), rng=Random(1), breakers=Runtime())

    def __call__(self) -> None:
        turn = self.desk.turn([])
        assert len(turn.assignments) == SLOTS, len(turn.assignments)
        self.desk.held = {}


def _checkpoint() -> None:
    """Let the writing of rows be over before anything is measured. The planner's statistics are left as they are."""
    with connection.cursor() as cursor:
        cursor.execute("PRAGMA wal_checkpoint(TRUNCATE)" if connection.vendor == "sqlite" else "CHECKPOINT")


def _copied(model: type[models.Model], **changed: str) -> tuple[str, str]:
    """Return the columns of a table, and the same with SQL in place of some, to copy a row of `t`."""
    columns = [str(field.column) for field in model._meta.concrete_fields]
    names = [name for name in columns if name != "id" or "id" in changed]
    return ", ".join(names), ", ".join(changed.get(name, f"t.{name}") for name in names)


def _numbers(count: int) -> str:
    if connection.vendor == "sqlite":
        return f"(WITH RECURSIVE g(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM g WHERE n < {count}) SELECT n FROM g) g"
    return f"generate_series(1, {count}) g(n)"


def _next_id(number: str) -> str:
    """Return SQL for ids that follow each other in time, as those of real items do."""
    if connection.vendor == "sqlite":
        return f"substr(t.id, 1, 8) || printf('%024x', {number})"
    return f"(substr(replace(t.id::text, '-', ''), 1, 8) || lpad(to_hex({number}), 24, '0'))::uuid"


def _now() -> str:
    return "strftime('%Y-%m-%d %H:%M:%f', 'now')" if connection.vendor == "sqlite" else "now()"


def _more_lanes() -> None:
    """Fill up to a million items: ready lanes with four queued items each."""
    from syncqueue.models import Item, Lane  # noqa: PLC0415

    lanes = (ROWS - LANES * EACH) // EACH
    first = Lane.objects.unscoped().earliest("id").pk
    into, values = _copied(Lane, entity_id="'more-' || g.n", ready_at=_now(), state="1", lease_owner="''", epoch="0")
    with connection.cursor() as cursor:
        cursor.execute(
            f"INSERT INTO syncqueue_lane ({into}) SELECT {values} FROM syncqueue_lane t, {_numbers(lanes)} WHERE t.id = %s",
            [first],
        )
        number = "(10 * l.id + g.n)::bigint" if connection.vendor != "sqlite" else "(10 * l.id + g.n)"
        into, values = _copied(
            Item,
            id=_next_id(number),
            lane_id="l.id",
            seq="g.n",
            idempotency_key="'more-' || l.id || '-' || g.n",
            state="50",
            sends="0",
            checksum="'-'",
        )
        cursor.execute(
            f"INSERT INTO syncqueue_item ({into}) SELECT {values} FROM syncqueue_lane l, {_numbers(EACH)}, syncqueue_item t"
            " WHERE t.lane_id = %s AND t.seq = 1 AND l.entity_id LIKE 'more-%%' ORDER BY l.id, g.n",
            [first],
        )
    _checkpoint()


def _stuck_lane() -> None:
    """Block the lane that has waited longest behind a failed head, with a hundred thousand items behind it."""
    from syncqueue.models import Item, Lane  # noqa: PLC0415

    lane = Lane.objects.unscoped().filter(state=1).earliest("ready_at", "id")
    Lane.objects.unscoped().filter(pk=lane.pk).update(state=3, tail_seq=STUCK + EACH, depth=STUCK + EACH)
    Item.objects.unscoped().filter(lane=lane, seq=1).update(state=20)
    number = "(100000000 + g.n)"
    into, values = _copied(
        Item, id=_next_id(number), seq=f"g.n + {EACH}", idempotency_key="'stuck-' || g.n", state="50", checksum="'-'"
    )
    with connection.cursor() as cursor:
        cursor.execute(
            f"INSERT INTO syncqueue_item ({into}) SELECT {values} FROM syncqueue_item t, {_numbers(STUCK)}"
            " WHERE t.lane_id = %s AND t.seq = 2",
            [lane.pk],
        )
    _checkpoint()


if __name__ == "__main__":
    main()
