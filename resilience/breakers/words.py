"""Breakers in words: the rules, what happened, and what a figure says."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from portal.kit import clock
from portal.kit.viewer import SYSTEM
from portal.web import formats
from resilience.breakers.core.shared import DISABLED, FORCED_CLOSED, FORCED_OPEN
from resilience.breakers.counted import Reading
from resilience.breakers.models import STATES, Breaker, Transition
from resilience.patterns.config import BreakerConfig
from resilience.patterns.typing import State

SLUGS = {State.CLOSED: "closed", State.HALF_OPEN: "half_open", State.OPEN: "open"}


def clock_of(at: datetime) -> str:
    """A moment with its seconds, and its day where that is not today."""
    return formats.moment(at, timezone.localtime(clock.now()).date(), seconds=True)


def share(value: float) -> str:
    """A share of calls: "34 %"."""
    return f"{formats.number(value * 100)}{formats.GAP}%"


def rules(config: BreakerConfig) -> list[str]:
    """What opens the breaker, one phrase for each rule that is on."""
    said = []
    if config.failure_threshold is not None:
        n = config.failure_threshold
        said.append(ngettext("%(n)s failure in a row", "%(n)s failures in a row", n) % {"n": n})
    if config.failures_in_window is not None:
        span = formats.duration(config.window_seconds)
        said.append(_("%(n)s in %(span)s") % {"n": config.failures_in_window, "span": span})
    if config.failure_rate_threshold is not None:
        said.append(_("%(share)s of calls") % {"share": share(config.failure_rate_threshold)})
    if config.slow_call_rate_threshold is not None:
        longest = formats.duration(config.slow_call_duration)
        said.append(
            _("%(share)s slower than %(span)s") % {"share": share(config.slow_call_rate_threshold), "span": longest}
        )
    return said


def joined(phrases: Sequence[str]) -> str:
    """The phrases as alternatives: "5 failures in a row, or 50 % of calls"."""
    return _(", or ").join(phrases)


def trip_reason(reason: str) -> str:
    """Why it opened, without the sample error that follows it."""
    return reason.partition(", the last:")[0]


def why_opened(opening: Transition) -> str:
    """The rule that opened it, or the person."""
    return _("forced by %s") % opening.actor if opening.forced else trip_reason(opening.reason)


def with_next(waiting: bool) -> str:
    """What an open breaker whose cool-down is over waits for. Nothing is sent to an upstream only to see whether it answers."""
    return _("with the next call") if waiting else _("with the next change")


def tests_next(waiting: int) -> str:
    """The same for the list."""
    return _("tests with the next call") if waiting else _("tests with the next change")


def wait(seconds: float) -> str:
    """A configured wait: "1 min", "90 s"."""
    whole = int(seconds)
    if whole == seconds and 60 < whole < 600 and whole % 60:
        return f"{whole}{formats.GAP}{_('s')}"
    return formats.duration(seconds)


def meter_name(reading: Reading, config: BreakerConfig) -> str:
    """What a meter measures."""
    names = {
        "row": _("In a row"),
        "window": _("In %(span)s") % {"span": wait(config.window_seconds)},
        "failures": _("Failure rate"),
        "slow": _("Slow calls"),
    }
    return names[reading.rule]


def meter_value(reading: Reading) -> str:
    """How far it is: "4 / 5", "13 % / 50 %"; where calls are too few for a share, how many there are."""
    if reading.rule in {"row", "window"}:
        return f"{formats.number(reading.value)} / {formats.number(reading.limit)}"
    if reading.calls is not None:
        return _("%(n)s of %(least)s calls") % {"n": reading.calls, "least": reading.least}
    return f"{share(reading.value)} / {share(reading.limit)}"


def so_far(reading: Reading, config: BreakerConfig) -> str:
    """Where a rule stands now, for the arrow that it is written on: "now 2 in a row"; "" where there is nothing to say."""
    if not reading.value or reading.calls is not None:
        return ""
    said = {"n": formats.number(reading.value), "span": wait(config.window_seconds), "share": share(reading.value)}
    phrases = {
        "row": _("now %(n)s in a row"),
        "window": _("now %(n)s in %(span)s"),
        "failures": _("now %(share)s failed"),
        "slow": _("now %(share)s slow"),
    }
    return phrases[reading.rule] % said


def nearing(reading: Reading, config: BreakerConfig) -> str:
    """One line for the list on the rule that comes closest."""
    match reading.rule:
        case "row":
            said = {"n": formats.number(reading.value), "limit": formats.number(reading.limit)}
            return _("%(n)s failures in a row, opens at %(limit)s") % said
        case "window":
            said = {
                "n": formats.number(reading.value),
                "limit": formats.number(reading.limit),
                "span": wait(config.window_seconds),
            }
            return _("%(n)s failures in %(span)s, opens at %(limit)s") % said
        case "failures":
            return _("%(share)s of calls failed, opens at %(limit)s") % _shares(reading)
        case _:
            return _("%(share)s of calls slow, opens at %(limit)s") % _shares(reading)


def _shares(reading: Reading) -> dict[str, str]:
    return {"share": share(reading.value), "limit": share(reading.limit)}


def forced_word(breaker: Breaker) -> str:
    """How a person took it out of its own hands; "" when nobody did."""
    words = {
        FORCED_OPEN: _("Forced open by %s"),
        FORCED_CLOSED: _("Forced closed by %s"),
        DISABLED: _("Disabled by %s"),
    }
    return words[breaker.force] % breaker.forced_by if breaker.force in words else ""


def forced_follows(breaker: Breaker) -> str:
    """What that means until it ends."""
    follows = {
        FORCED_OPEN: _("No call goes out. Changes are taken in and wait, none is lost. After that it tests by itself."),
        FORCED_CLOSED: _(
            "Every call goes out, and failures are counted without opening it. After that it opens as ever."
        ),
        DISABLED: _("Every call goes out and nothing is counted. After that it counts and opens as ever."),
    }
    return follows.get(breaker.force, "")


def state_word(state: str) -> str:
    """A state of a transition as a word."""
    return _(dict(STATES)[state]).lower()


def cause(transition: Transition) -> str:
    """What caused a transition, and who."""
    said = {"who": transition.actor, "why": transition.reason}
    if transition.actor in ("", SYSTEM):
        return transition.reason
    if transition.cause == "reset":
        return (
            _("reset by %(who)s") % said if transition.reason == _("reset") else _("reset by %(who)s: %(why)s") % said
        )
    if transition.forced:
        forced = {
            FORCED_OPEN: _("forced open by %(who)s: %(why)s"),
            FORCED_CLOSED: _("forced closed by %(who)s: %(why)s"),
            DISABLED: _("disabled by %(who)s: %(why)s"),
        }
        return forced[transition.forced] % said
    return transition.reason


def source(said: str) -> str:
    """Where a figure was said, as a person reads it."""
    if said == "upstream":
        return _("this upstream")
    if said.startswith("policy "):
        return _("policy “%s”") % said.removeprefix("policy ")
    return said.rpartition("/")[2]


def figure(value: Any, unit: str) -> str:
    """A value as the policy's page writes it, with its unit."""
    if isinstance(value, int | float) and not isinstance(value, bool):
        return _measured(value, unit)
    return str({None: _("off"), False: _("off"), True: _("on")}.get(value, value))


def _measured(value: float, unit: str) -> str:
    match unit:
        case "ms":
            return formats.duration(value / 1_000)
        case "of calls":
            return _("%s of calls") % share(value)
        case "times":
            return f"×{formats.GAP}{value:g}"
        case _:
            return f"{formats.number(value, 0 if value == int(value) else 2)}{formats.GAP}{unit}".rstrip()
