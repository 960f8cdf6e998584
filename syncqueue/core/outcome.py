"""An answer and the attempts so far give the next step of an item. Pure: `now` and `rng` are passed in.

answer         the upstream is   the item becomes
Delivered      alive             synced
Conflicted     alive             conflict; base, local and remote are kept. Queued again, merged, when rules settled it (`settled`)
Rejected       alive             failed (dead letter): no retry can mend it
RetryAt        alive             retrying, and that counts; failed after `max_attempts`
  transport    out               retrying; it counts, until an outage closes the gate and gives it back. An item that
                                 has used up its attempts is failed when the next answer shows the upstream alive (`spent`)
  upstream_wide  throttled       retrying when the upstream wants it; counts for nothing
Unknown        out               retrying with the same key; it may have arrived
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from random import Random

from syncqueue.adapters.base import Conflicted, Delivered, Outcome, Rejected, RetryAt, Unknown
from syncqueue.core.backoff import Backoff
from syncqueue.core.gate import GateState, GateStep, Sign
from syncqueue.core.states import ItemState


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


def sign_of(outcome: Outcome) -> Sign:
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


def upstream_wait(outcome: Outcome) -> float | None:
    """The seconds for which the upstream as a whole wants to be left alone: Retry-After, or Backoff beside a success."""
    match outcome:
        case Delivered():
            return outcome.backoff
        case RetryAt(transport=True) | RetryAt(upstream_wide=True) | Unknown():
            return outcome.retry_after
        case _:
            return None


def decide(
    outcome: Outcome,
    *,
    settled: bool = False,
    attempts: int,
    was_unknown: bool,
    gate: GateStep,
    now: datetime,
    rules: DeliveryRules,
    rng: Random,
) -> Next:
    """The next step of an item that had `attempts` own failures before this answer."""
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
            return _again(outcome, attempts=attempts, was_unknown=was_unknown, gate=gate, now=now, rules=rules, rng=rng)


def _again(
    outcome: RetryAt | Unknown,
    *,
    attempts: int,
    was_unknown: bool,
    gate: GateStep,
    now: datetime,
    rules: DeliveryRules,
    rng: Random,
) -> Next:
    unknown = was_unknown or isinstance(outcome, Unknown) or outcome.outcome_unknown
    failures = attempts + 1 if gate.counts else attempts
    if failures >= rules.max_attempts and sign_of(outcome) is Sign.ALIVE:
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
        counted=gate.counts,
    )


def spent(attempts: int, item: str, gate: GateState, rules: DeliveryRules) -> bool:
    """Whether a waiting item has used up its attempts, and it is known that no outage was the cause.

    While its last failure is part of the gate's present run, an outage may be just beginning: then the item is not given up yet.
    """
    return attempts >= rules.max_attempts and not gate.closed and item not in gate.run
