"""An answer and the attempts so far give the next step of an item. Pure: `now` and `rng` are passed in.

answer         the upstream is   the item becomes
Delivered      alive             synced
Conflicted     alive             conflict; base, local and remote are kept. Queued again, merged, when rules settled it (`settled`)
Rejected       alive             failed (dead letter): no retry can mend it
RetryAt        alive             retrying, and that counts; failed after `max_attempts`
  transport    out               retrying; it counts, until the breaker opens and gives it back (core/streak.py). An item that
                                 has used up its attempts is failed when the next answer shows the upstream alive (`spent`)
  upstream_wide  throttled       retrying when the upstream wants it; counts for nothing
Unknown        out               retrying with the same key; it may have arrived
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum, auto
from random import Random

from syncqueue.adapters.base import Conflicted, Delivered, Fetched, Gone, Outcome, Rejected, RetryAt, Unknown
from syncqueue.core.backoff import Backoff
from syncqueue.core.states import ItemState


class Sign(Enum):
    """What an answer says about the upstream as a whole."""

    ALIVE = auto()
    OUT = auto()
    THROTTLED = auto()


@dataclass(frozen=True, slots=True)
class DeliveryRules:
    """How often an item may fail by its own fault, and how long it waits in between."""

    max_attempts: int = 5
    backoff: Backoff = Backoff()


@dataclass(frozen=True, slots=True)
class Next:
    """What becomes of the item: its state, its own failures so far, when it is tried again, and why, in words for people."""

    state: ItemState
    attempts: int
    retry_at: datetime | None = None
    code: str = ""
    reason: str = ""
    outcome_unknown: bool = False
    counted: bool = False


def sign_of(outcome: Outcome | Fetched | Gone) -> Sign:
    """What the answer says about the upstream as a whole."""
    match outcome:
        case Unknown():
            return Sign.OUT
        case RetryAt(transport=True):
            return Sign.OUT
        case RetryAt(upstream_wide=True):
            return Sign.THROTTLED
        case _:
            return Sign.ALIVE


def upstream_wait(outcome: Outcome, *, throttled: float) -> float | None:
    """The seconds for which the upstream as a whole wants to be left alone: Retry-After, or Backoff beside a success.

    One that asks to be sent less without saying for how long gets `throttled` seconds.
    """
    match outcome:
        case Delivered():
            return outcome.backoff
        case RetryAt(upstream_wide=True, transport=False):
            return outcome.retry_after or throttled
        case RetryAt(transport=True) | Unknown():
            return outcome.retry_after
        case _:
            return None


def decide(
    outcome: Outcome,
    *,
    settled: bool = False,
    attempts: int,
    was_unknown: bool,
    counts: bool,
    now: datetime,
    rules: DeliveryRules,
    rng: Random,
) -> Next:
    """The next step of an item that had `attempts` own failures before this answer; `counts` says whether it is one more."""
    match outcome:
        case Delivered():
            return Next(ItemState.SYNCED, attempts)
        case Conflicted() if settled:
            return Next(ItemState.QUEUED, attempts, code="merged", reason=outcome.reason)
        case Conflicted():
            return Next(ItemState.CONFLICT, attempts, code="conflict", reason=outcome.reason)
        case Rejected():
            return Next(ItemState.FAILED, attempts + 1, code=outcome.code, reason=outcome.reason, counted=True)
        case RetryAt() | Unknown():
            return _again(
                outcome, attempts=attempts, was_unknown=was_unknown, counts=counts, now=now, rules=rules, rng=rng
            )


def _again(
    outcome: RetryAt | Unknown,
    *,
    attempts: int,
    was_unknown: bool,
    counts: bool,
    now: datetime,
    rules: DeliveryRules,
    rng: Random,
) -> Next:
    unknown = was_unknown or isinstance(outcome, Unknown) or outcome.outcome_unknown
    failures = attempts + 1 if counts else attempts
    if counts and failures >= rules.max_attempts and sign_of(outcome) is Sign.ALIVE:
        return Next(
            ItemState.FAILED, failures, code=outcome.code, reason=outcome.reason, outcome_unknown=unknown, counted=True
        )
    pause = max(outcome.retry_after or 0.0, rules.backoff.delay(max(failures, 1), rng))
    return Next(
        ItemState.RETRYING,
        failures,
        retry_at=now + timedelta(seconds=pause),
        code=outcome.code,
        reason=outcome.reason,
        outcome_unknown=unknown,
        counted=counts,
    )


def spent(attempts: int, *, doubtful: bool, rules: DeliveryRules) -> bool:
    """Whether a waiting item has used up its attempts, and it is known that no outage was the cause.

    It is `doubtful` while the breaker is not closed, and while its last failure is part of the upstream's streak: an outage may be just
    beginning. Then the item is not given up yet.
    """
    return attempts >= rules.max_attempts and not doubtful
