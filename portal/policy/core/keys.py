"""Every section and key of governance/policy.yml: its unit, its bounds, what is built in, and what it does. The one list of them."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from portal.policy.core import policy as typed
from portal.policy.core.values import SHARE, Choice, Choices, Endpoints, Kind, Number, Switch
from portal.policy.core.words import plain

_MONTH_MS = 2_592_000_000  # 30 days
CHANNELS = ("slack", "email", "webhook")
ENVIRONMENTS = ("development", "staging", "production")
SCHEDULES = ("hourly", "nightly", "weekly", "never")


def gettext_noop(sentence: str) -> str:
    """Itself; marks what pages translate."""
    return sentence


@dataclass(frozen=True, slots=True)
class Key:
    """One key. `name` is the file's, `python` the attribute's; `says` is what it does, in one sentence."""

    name: str
    python: str
    kind: Kind
    built_in: Any
    says: str


Values = Mapping[str, Any]
Contradiction = tuple[tuple[str, ...], str]
"""The keys that contradict each other, the one to look at first, and how."""


@dataclass(frozen=True, slots=True)
class Section:
    """Keys that belong together, and the type that they become. A section of one nameless key is that key's value itself."""

    name: str
    title: str
    says: str
    keys: tuple[Key, ...]
    make: Callable[..., Any]
    contradictions: Callable[[Values], Iterator[Contradiction]] = lambda _values: iter(())

    @property
    def bare(self) -> bool:
        """Whether the section is a value and no group of keys."""
        return not self.keys[0].name

    def path(self, key: Key) -> str:
        """As "circuit_breaker.cooldown_ms"."""
        return f"{self.name}.{key.name}" if key.name else self.name


def _milliseconds(*, optional: bool = False) -> Number:
    return Number(unit="ms", most=_MONTH_MS, whole=False, optional=optional)


def _share() -> Number:
    return Number(unit=SHARE, least=0, above=0, most=1, whole=False, optional=True)


def _factor() -> Number:
    return Number(unit="times", least=1, most=100, whole=False)


def _backoff(values: Values) -> Iterator[Contradiction]:
    if values["max_ms"] < values["min_ms"]:
        yield (
            ("max_ms", "min_ms"),
            f"max_ms is {plain(values['max_ms'])} ms, below min_ms, {plain(values['min_ms'])} ms.",
        )


def _breaker(values: Values) -> Iterator[Contradiction]:
    if values["cooldown_max_ms"] < values["cooldown_ms"]:
        most, first = plain(values["cooldown_max_ms"]), plain(values["cooldown_ms"])
        yield ("cooldown_max_ms", "cooldown_ms"), f"cooldown_max_ms is {most} ms, below cooldown_ms, {first} ms."
    for one, other in (("slow_call_ms", "slow_call_rate"), ("slow_call_rate", "slow_call_ms")):
        if values[one] is not None and values[other] is None:
            yield (one, other), f"{one} does nothing while {other} is off. Set both."


SECTIONS = (
    Section(
        "sync_backoff",
        gettext_noop("Backoff"),
        gettext_noop("How long an item waits before it is sent again, and how often it is tried."),
        (
            Key("min_ms", "minimum", _milliseconds(), 500, gettext_noop("The wait after the first failure.")),
            Key("max_ms", "maximum", _milliseconds(), 30_000, gettext_noop("No wait is longer than this.")),
            Key("factor", "factor", _factor(), 2, gettext_noop("Each further wait is this many times the one before.")),
            Key(
                "jitter",
                "jitter",
                Switch(),
                True,
                gettext_noop("Waits vary by chance, so that items do not come back all at once."),
            ),
            Key(
                "max_attempts",
                "max_attempts",
                Number(unit="attempts", most=1_000),
                5,
                gettext_noop("An item that failed by its own fault this often goes to the dead letters."),
            ),
        ),
        typed.SyncBackoff,
        _backoff,
    ),
    Section(
        "circuit_breaker",
        gettext_noop("Circuit breaker"),
        gettext_noop("When an upstream's breaker opens, when it tries again, and when it closes."),
        (
            Key(
                "failure_threshold",
                "failure_threshold",
                Number(unit="calls"),
                5,
                gettext_noop("So many failures in a row open the breaker."),
            ),
            Key(
                "success_threshold",
                "success_threshold",
                Number(unit="calls"),
                3,
                gettext_noop("So many successes while it is half-open close the breaker."),
            ),
            Key(
                "cooldown_ms",
                "reset_timeout",
                _milliseconds(),
                60_000,
                gettext_noop("An open breaker lets nothing through for this long, then it is half-open."),
            ),
            Key(
                "half_open_max_calls",
                "half_open_max_calls",
                Number(unit="calls"),
                3,
                gettext_noop("A half-open breaker lets so many calls through at a time."),
            ),
            Key(
                "failures_in_window",
                "failures_in_window",
                Number(unit="calls", optional=True),
                None,
                gettext_noop("So many failures within the window open the breaker, whatever succeeded between them."),
            ),
            Key(
                "window_ms",
                "window_seconds",
                _milliseconds(),
                60_000,
                gettext_noop("How far back the window of failures_in_window looks."),
            ),
            Key(
                "failure_rate",
                "failure_rate_threshold",
                _share(),
                0.5,
                gettext_noop("This share of failed calls opens the breaker, from volume_threshold calls on."),
            ),
            Key(
                "slow_call_ms",
                "slow_call_duration",
                _milliseconds(optional=True),
                None,
                gettext_noop("A call that takes at least this long is slow."),
            ),
            Key(
                "slow_call_rate",
                "slow_call_rate_threshold",
                _share(),
                None,
                gettext_noop("This share of slow calls opens the breaker, from volume_threshold calls on."),
            ),
            Key(
                "volume_threshold",
                "volume_threshold",
                Number(unit="calls"),
                10,
                gettext_noop("With fewer calls in the window, no share counts."),
            ),
            Key(
                "cooldown_factor",
                "reset_timeout_factor",
                _factor(),
                1,
                gettext_noop(
                    "A breaker that opens again without having closed waits this many times as long as before."
                ),
            ),
            Key(
                "cooldown_max_ms",
                "reset_timeout_max",
                _milliseconds(),
                3_600_000,
                gettext_noop("No such wait is longer than this."),
            ),
            Key(
                "half_open_lease_ms",
                "half_open_lease",
                _milliseconds(),
                60_000,
                gettext_noop("A half-open call that has not come back by then gives its place to another."),
            ),
            Key(
                "slow_start_ms",
                "slow_start",
                Number(unit="ms", least=0, most=_MONTH_MS, whole=False),
                10_000,
                gettext_noop(
                    "After closing, items go out at a growing rate for this long, so that the upstream is not flooded."
                ),
            ),
        ),
        typed.CircuitBreaker,
        _breaker,
    ),
    Section(
        "failover",
        gettext_noop("Failover"),
        gettext_noop("What is read instead while a service is away."),
        (
            Key("enabled", "enabled", Switch(), True, gettext_noop("Whether anything is read elsewhere at all.")),
            Key(
                "read_only_fallback",
                "read_only_fallback",
                Switch(),
                True,
                gettext_noop("Pages stay readable while nothing can be written."),
            ),
            Key(
                "cache_ttl_ms",
                "cache_ttl",
                _milliseconds(),
                300_000,
                gettext_noop("A copy that is older than this is no longer read."),
            ),
            Key(
                "fallback_endpoints",
                "fallback_endpoints",
                Endpoints(),
                {},
                gettext_noop("Where each service is read while it is away."),
            ),
        ),
        typed.Failover,
    ),
    Section(
        "queue_management",
        gettext_noop("Queue alerts"),
        gettext_noop("When the queue raises an alert, and where it goes."),
        (
            Key(
                "alert_on_backlog_size",
                "alert_on_backlog_size",
                Number(unit="items", most=100_000_000),
                100,
                gettext_noop("More waiting items than this raise an alert."),
            ),
            Key(
                "alert_on_age_hours",
                "alert_on_age",
                Number(unit="h", least=0, above=0, most=8_760, whole=False),
                24,
                gettext_noop("An item that waits longer than this raises an alert."),
            ),
            Key(
                "alert_channels",
                "alert_channels",
                Choices(CHANNELS),
                ["slack", "email"],
                gettext_noop("Where the alerts of the queue go."),
            ),
        ),
        typed.QueueManagement,
    ),
    Section(
        "alert_channels",
        gettext_noop("Alert channels"),
        gettext_noop("The ways that alerts can go."),
        (
            Key(
                "",
                "alert_channels",
                Choices(CHANNELS),
                list(CHANNELS),
                gettext_noop("Alerts can go these ways; those of the queue are among them."),
            ),
        ),
        tuple,
    ),
    Section(
        "chaos_testing",
        gettext_noop("Chaos testing"),
        gettext_noop("Failures that are injected on purpose, to see that the rest holds."),
        (
            Key("enabled", "enabled", Switch(), True, gettext_noop("Whether experiments may run at all.")),
            Key(
                "environments",
                "environments",
                Choices(ENVIRONMENTS),
                ["development", "staging"],
                gettext_noop("Experiments run in these environments only."),
            ),
            Key(
                "schedule",
                "schedule",
                Choice(SCHEDULES),
                "nightly",
                gettext_noop("How often experiments start by themselves."),
            ),
            Key(
                "max_failure_duration_ms",
                "max_failure_duration",
                _milliseconds(),
                60_000,
                gettext_noop("No injected failure lasts longer than this."),
            ),
        ),
        typed.ChaosTesting,
    ),
)
BY_NAME = {section.name: section for section in SECTIONS}
SECTION_NAMES = tuple(BY_NAME)
