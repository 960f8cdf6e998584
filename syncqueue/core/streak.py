"""Whose attempts an outage gives back. Pure.

A connection that fails may be the item's fault (a body that the upstream chokes on) or the upstream's (it is down), and only time tells.
So each failure in transport is charged to its item and noted in the upstream's streak. The next answer shows that the upstream lives:
the streak is over, and the charges stand. When its breaker opens first, it was the upstream: all of the streak is given back.
"""

from dataclasses import dataclass

from resilience.patterns.typing import Verdict
from syncqueue.adapters.base import Fetched, Gone, Outcome, Rejected, RetryAt
from syncqueue.core.outcome import Sign, sign_of

LONGEST = 200
"""So many charges at most are noted; a breaker that has not opened by then is one that shall not."""


@dataclass(frozen=True, slots=True)
class Charge:
    """The streak after one answer, and whether the failure is charged to the item."""

    streak: tuple[str, ...]
    counts: bool = False


def charge(
    streak: tuple[str, ...], outcome: Outcome, *, item: str, closed: bool, first: bool = False, testing: bool = False
) -> Charge:
    """What an answer for `item` means for the attempts; `closed` says whether the upstream's breaker is, with this answer counted.

    An upstream that answers a test (`testing`) that it failed itself opens its breaker again, and the item is charged from its second time
    on (`first`: it was never sent before): else an item that no upstream could take would keep a breaker open for ever.
    """
    match sign_of(outcome):
        case Sign.OUT:
            return Charge((*streak, item)[-LONGEST:], counts=True) if closed else Charge(streak)
        case Sign.THROTTLED:
            return Charge(())
        case _:
            failed = isinstance(outcome, RetryAt) and (closed or (testing and not first))
            own = isinstance(outcome, Rejected) or failed
            return Charge((), counts=own)


def verdict_of(outcome: Outcome | Fetched | Gone, *, first: bool, testing: bool) -> Verdict:
    """What the breaker is told of an answer.

    An upstream that answers is alive, whatever it says, with one exception: one that answers that it failed itself (a 500). That
    counts once for each item (`first`: it was never sent before), so that one bad item cannot open the breaker and an upstream that fails
    everybody does. While it is tested (`testing`, half-open) it counts each time. One that asks for a rest is neither good nor bad.
    """
    match sign_of(outcome):
        case Sign.OUT:
            return Verdict.FAILURE
        case Sign.THROTTLED:
            return Verdict.IGNORED
        case _ if isinstance(outcome, RetryAt):
            return Verdict.FAILURE if first or testing else Verdict.IGNORED
        case _:
            return Verdict.SUCCESS


class Told(Exception):
    """An answer that counts as a failure, as a breaker keeps errors: with a code and a text."""

    def __init__(self, code: str, reason: str) -> None:
        super().__init__(reason)
        self.code = code

    @classmethod
    def of(cls, outcome: Outcome | Fetched | Gone) -> "Told":
        """What it says."""
        return cls(getattr(outcome, "code", "") or "unknown", getattr(outcome, "reason", ""))
