"""What the processes share about a breaker, and its moves. Pure: `now` is the database's, and each move gives a new value or None.

closed ── trip ──▶ open ── cool-down over ──▶ half-open ── enough successes ──▶ closed
                    ▲                             │
                    └────────── failure ──────────┘

A person may force it open until a moment (then it is half-open and tests by itself), force it closed until a moment (results are
counted, nothing trips), disable it (nothing is counted), reset it, or let it test now. `version` grows with each change and makes
a compare-and-set of it; `generation` grows with each change of state, so that results of an earlier one count for nothing.
"""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from resilience.patterns.config import BreakerConfig
from resilience.patterns.typing import State

FORCED_OPEN, FORCED_CLOSED, DISABLED = "open", "closed", "disabled"


@dataclass(frozen=True, slots=True)
class Shared:
    """A breaker as the database has it. `opened_at` is when it left the closed state; `since` when it came to the present one.

    `openings` counts how often it opened without closing in between. `forced` is "", "open", "closed" or "disabled".
    """

    state: State = State.CLOSED
    version: int = 0
    generation: int = 0
    since: datetime | None = None
    opened_at: datetime | None = None
    open_until: datetime | None = None
    openings: int = 0
    successes: int = 0
    reason: str = ""
    forced: str = ""
    forced_by: str = ""
    forced_reason: str = ""
    forced_until: datetime | None = None
    spared_until: datetime | None = None
    spared_reason: str = ""

    @property
    def trips(self) -> bool:
        """Whether failures may open it."""
        return self.state is State.CLOSED and self.forced not in (FORCED_CLOSED, DISABLED)


def _moved(shared: Shared, now: datetime, state: State, **said: object) -> Shared:
    since = shared.since if state is shared.state else now
    fields = {"state": state, "since": since, "successes": 0, "version": shared.version + 1, **said}
    return replace(shared, generation=shared.generation + 1, **fields)  # type: ignore[arg-type]


def _unforced() -> dict[str, object]:
    return {"forced": "", "forced_by": "", "forced_reason": "", "forced_until": None}


def trip(shared: Shared, now: datetime, config: BreakerConfig, reason: str) -> Shared | None:
    """Open, since a process saw too many failures; None when it is not closed, or may not trip."""
    shared = expire(shared, now) or shared
    if not shared.trips:
        return None
    until = now + timedelta(seconds=config.open_seconds(0))
    return _moved(shared, now, State.OPEN, opened_at=now, open_until=until, openings=1, reason=reason)


def half_open(shared: Shared, now: datetime) -> Shared | None:
    """Half-open, since the cool-down is over; None before."""
    if shared.state is not State.OPEN or (shared.open_until is not None and shared.open_until > now):
        return None
    reason = "the forced time is over" if shared.forced == FORCED_OPEN else "cool-down over"
    return _moved(shared, now, State.HALF_OPEN, open_until=None, reason=reason, **_unforced())


def passed(shared: Shared, now: datetime, config: BreakerConfig) -> Shared | None:
    """After a half-open call that went well: closed when there were enough of them in a row."""
    if shared.state is not State.HALF_OPEN:
        return None
    successes = shared.successes + 1
    if successes < config.success_threshold:
        return replace(shared, successes=successes, version=shared.version + 1)
    return _moved(shared, now, State.CLOSED, opened_at=None, openings=0, reason=f"{successes} good answers")


def failed(shared: Shared, now: datetime, config: BreakerConfig, reason: str) -> Shared | None:
    """After a half-open call that failed: open again, for longer where the cool-down grows."""
    if shared.state is not State.HALF_OPEN:
        return None
    openings = shared.openings + 1
    until = now + timedelta(seconds=config.open_seconds(openings - 1))
    return _moved(shared, now, State.OPEN, open_until=until, openings=openings, reason=reason)


def force_open(shared: Shared, now: datetime, *, by: str, reason: str, until: datetime) -> Shared:
    """Open until a moment, whatever the answers say."""
    forced = {"forced": FORCED_OPEN, "forced_by": by, "forced_reason": reason, "forced_until": until}
    opened = shared.opened_at or now
    said = {"opened_at": opened, "open_until": until, "openings": shared.openings or 1, "reason": reason}
    return _moved(shared, now, State.OPEN, **said, **forced)


def force_closed(
    shared: Shared, now: datetime, *, by: str, reason: str, until: datetime, disabled: bool = False
) -> Shared:
    """Closed until a moment: failures are counted and do not open it. `disabled`: they are not even counted."""
    forced = {"forced": DISABLED if disabled else FORCED_CLOSED, "forced_by": by, "forced_reason": reason}
    closed = {"opened_at": None, "open_until": None, "openings": 0, "reason": reason}
    return _moved(shared, now, State.CLOSED, **closed, **forced, forced_until=until)


def reset(shared: Shared, now: datetime, *, reason: str) -> Shared:
    """Closed, with nothing counted and nothing forced."""
    said = {"opened_at": None, "open_until": None, "openings": 0, "reason": reason}
    cleared = {"spared_until": None, "spared_reason": ""}
    return _moved(shared, now, State.CLOSED, **said, **cleared, **_unforced())


def test_now(shared: Shared, now: datetime, *, reason: str) -> Shared | None:
    """Half-open at once, without waiting for the cool-down; None when it is not open."""
    if shared.state is not State.OPEN:
        return None
    return _moved(shared, now, State.HALF_OPEN, open_until=None, reason=reason, **_unforced())


def expire(shared: Shared, now: datetime) -> Shared | None:
    """An ordinary breaker again, once the time for which a person forced it is over: closed, or half-open if it was forced open."""
    if shared.forced == FORCED_OPEN:
        return half_open(shared, now)
    over = shared.forced_until is not None and shared.forced_until <= now
    if shared.forced not in (FORCED_CLOSED, DISABLED) or not over:
        return None
    return _moved(shared, now, State.CLOSED, reason="the forced time is over", **_unforced())


def spare(shared: Shared, *, until: datetime, reason: str) -> Shared | None:
    """Left alone until a moment, since the upstream asked for it; None when it is so for longer already."""
    if shared.spared_until is not None and shared.spared_until >= until:
        return None
    return replace(shared, spared_until=until, spared_reason=reason, version=shared.version + 1)


def restarted(shared: Shared, now: datetime, *, reason: str) -> Shared | None:
    """Tested at once, without the rest that was asked for: it is reached in another way now. One that a person forced stays forced."""
    tested = None if shared.forced else test_now(shared, now, reason=reason)
    if shared.spared_until is None:
        return tested
    return replace(tested or shared, spared_until=None, spared_reason="", version=shared.version + 1)
