"""From bytes to a policy, or to every fault with its line, column, key and reason."""

import re
from pathlib import Path

import pytest
import yaml
from hypothesis import given
from hypothesis import settings as budget
from hypothesis import strategies as st

from portal.policy.core.faults import MOST, Fault
from portal.policy.core.keys import SECTIONS
from portal.policy.core.reading import Reading, built_in, read
from portal.policy.core.tree import LARGEST

pytestmark = pytest.mark.plain
ROOT = Path(__file__).resolve().parents[2]
FILE = "policy.yml"
SHIPPED = (ROOT / "governance/policy.yml").read_bytes()


def faults(text: str) -> list[tuple[int, int, str, str]]:
    """Line, column, key and reason of each."""
    return [(fault.line, fault.column, fault.key, fault.reason) for fault in read(text.encode(), FILE).faults]


def only(text: str) -> tuple[int, int, str, str]:
    """The one fault of a text."""
    (found,) = faults(text)
    return found


def test_the_shipped_file_has_the_figures_that_were_asked_for() -> None:
    """Each key of the guide, with its figure."""
    policy = read(SHIPPED, FILE).policy
    assert policy is not None
    backoff, breaker, queue = policy.sync_backoff, policy.circuit_breaker, policy.queue_management
    assert (backoff.minimum, backoff.maximum, backoff.factor, backoff.jitter, backoff.max_attempts) == (
        0.5,
        30,
        2,
        True,
        5,
    )
    assert (breaker.failure_threshold, breaker.success_threshold) == (5, 3)
    assert (breaker.reset_timeout, breaker.half_open_max_calls) == (60, 3)
    assert (policy.failover.enabled, policy.failover.read_only_fallback, policy.failover.cache_ttl) == (True, True, 300)
    assert dict(policy.failover.fallback_endpoints) == {
        "supabase_db": "read_replica_url",
        "static_assets": "cdn_fallback_url",
    }
    assert (queue.alert_on_backlog_size, queue.alert_on_age, queue.alert_channels) == (100, 86_400, ("slack", "email"))
    assert policy.alert_channels == ("slack", "email", "webhook")
    chaos = policy.chaos_testing
    assert (chaos.enabled, chaos.environments) == (True, ("development", "staging"))
    assert (chaos.schedule, chaos.max_failure_duration) == ("nightly", 60)


def test_the_further_keys_of_breakers_have_their_defaults() -> None:
    """What the shipped file leaves out is built in, and its comments tell the truth about it."""
    breaker = built_in(FILE).circuit_breaker
    assert (breaker.failures_in_window, breaker.window_seconds, breaker.volume_threshold) == (None, 60, 10)
    assert (breaker.failure_rate_threshold, breaker.slow_call_duration, breaker.slow_call_rate_threshold) == (
        0.5,
        None,
        None,
    )
    assert (breaker.reset_timeout_factor, breaker.reset_timeout_max) == (1, 3_600)
    assert (breaker.half_open_lease, breaker.slow_start) == (60, 10)
    spoken = re.sub(r"^  # (?=\w+: )", "  ", SHIPPED.decode(), flags=re.MULTILINE)
    assert "slow_start_ms" in yaml.safe_load(spoken)["circuit_breaker"]
    assert read(spoken.encode(), FILE) == Reading(read(SHIPPED, FILE).policy, ())


def test_the_built_in_values_would_be_taken_from_a_file() -> None:
    """What is built in keeps its own rules."""
    said: dict[str, object] = {}
    for section in SECTIONS:
        values = {key.name: key.built_in for key in section.keys}
        said[section.name] = values[""] if section.bare else values
    assert read(yaml.safe_dump(said).encode(), FILE).policy == built_in(FILE)


def test_each_value_says_where_it_comes_from() -> None:
    """The line of its key, or that it is built in; `explain` has its value and unit as the file writes them."""
    policy = read(b"circuit_breaker:\n\n  cooldown_ms: 5000\nalert_channels:\n  - email\n  - slack\n", FILE).policy
    assert policy is not None
    assert policy.sources()["circuit_breaker.cooldown_ms"] == "policy.yml line 3"
    assert policy.sources()["alert_channels"] == "policy.yml line 4"
    assert policy.sources()["circuit_breaker.failure_threshold"] == "built in"
    figure = next(figure for figure in policy.explain() if figure.key == "circuit_breaker.cooldown_ms")
    assert (figure.value, figure.unit, policy.circuit_breaker.reset_timeout) == (5_000, "ms", 5.0)
    assert len(policy.explain()) == sum(len(section.keys) for section in SECTIONS) == len(policy.sources())


@pytest.mark.parametrize(
    ("text", "line", "key", "reason"),
    [
        ("sync_backof:\n  min_ms: 5", 1, "sync_backof", "There is no section sync_backof: did you mean sync_backoff?"),
        ("weather: 5", 1, "weather", "There is no section weather: there are sync_backoff,"),
        ("min_ms: 5", 1, "min_ms", "This key belongs below sync_backoff: indent it."),
        ("circuit_breaker:\n  cooldown: 5", 2, "circuit_breaker.cooldown", "did you mean cooldown_ms?"),
        ("circuit_breaker:\n  cooldownMs: 5", 2, "circuit_breaker.cooldownMs", "did you mean cooldown_ms?"),
        ("circuit_breaker:\n  reset_timeout: 5", 2, "circuit_breaker.reset_timeout", "did you mean cooldown_ms?"),
        (
            "circuit_breaker:\n  min_ms: 5",
            2,
            "circuit_breaker.min_ms",
            "min_ms belongs to sync_backoff, not to circuit_breaker.",
        ),
        ("failover:\n  colour: 5", 2, "failover.colour", "failover has no key colour: its keys are enabled,"),
        ("circuit_breaker:\n  cooldown_ms: -5", 2, "circuit_breaker.cooldown_ms", "-5 ms is negative."),
        (
            "circuit_breaker:\n  cooldown_ms: 0",
            2,
            "circuit_breaker.cooldown_ms",
            "0 ms is too small. A number of milliseconds from 1",
        ),
        ("circuit_breaker:\n  cooldown_ms: 1e12", 2, "circuit_breaker.cooldown_ms", "is above 2,592,000,000 ms"),
        ("circuit_breaker:\n  cooldown_ms: 1e999", 2, "circuit_breaker.cooldown_ms", "far too large"),
        ("circuit_breaker:\n  cooldown_ms: " + "9" * 5_000, 2, "circuit_breaker.cooldown_ms", "far too large"),
        ("circuit_breaker:\n  cooldown_ms: .nan", 2, "circuit_breaker.cooldown_ms", "“.nan” is no number."),
        ("circuit_breaker:\n  cooldown_ms: 1 min", 2, "circuit_breaker.cooldown_ms", "in milliseconds: 60000."),
        ("circuit_breaker:\n  cooldown_ms: 0.5s", 2, "circuit_breaker.cooldown_ms", "in milliseconds: 500."),
        ('circuit_breaker:\n  cooldown_ms: "500"', 2, "circuit_breaker.cooldown_ms", "Write it without the quotes."),
        (
            'circuit_breaker:\n  cooldown_ms: "soon"',
            2,
            "circuit_breaker.cooldown_ms",
            "“soon” is a text. A number of milliseconds",
        ),
        ("circuit_breaker:\n  cooldown_ms: 0100", 2, "circuit_breaker.cooldown_ms", "octal"),
        ("circuit_breaker:\n  cooldown_ms: true", 2, "circuit_breaker.cooldown_ms", "“true” is no number."),
        ("circuit_breaker:\n  cooldown_ms:", 2, "circuit_breaker.cooldown_ms", "There is no value."),
        ("circuit_breaker:\n  cooldown_ms: [5]", 2, "circuit_breaker.cooldown_ms", "This is a list."),
        ("circuit_breaker:\n  cooldown_ms: {a: 5}", 2, "circuit_breaker.cooldown_ms", "This is a group of keys."),
        (
            "circuit_breaker:\n  failure_threshold: 0",
            2,
            "circuit_breaker.failure_threshold",
            "0 calls is too small. A whole number of calls from 1",
        ),
        (
            "circuit_breaker:\n  failure_threshold: 2.5",
            2,
            "circuit_breaker.failure_threshold",
            "2.5 is no whole number.",
        ),
        ("circuit_breaker:\n  failure_threshold: off", 2, "circuit_breaker.failure_threshold", "“off” is no number."),
        (
            "circuit_breaker:\n  failure_rate: 50",
            2,
            "circuit_breaker.failure_rate",
            "50 is above 1 (for 50 % write 0.5).",
        ),
        (
            "circuit_breaker:\n  failure_rate: 50 %",
            2,
            "circuit_breaker.failure_rate",
            "50 % is a percentage. Write 0.5.",
        ),
        (
            "circuit_breaker:\n  failure_rate: 0",
            2,
            "circuit_breaker.failure_rate",
            "0 is too small. A number above 0 to 1 belongs here, or off.",
        ),
        ("circuit_breaker:\n  failure_rate: 1.01", 2, "circuit_breaker.failure_rate", "1.01 is above 1"),
        ("sync_backoff:\n  factor: 0.5", 2, "sync_backoff.factor", "0.5 is too small."),
        (
            "sync_backoff:\n  jitter: maybe",
            2,
            "sync_backoff.jitter",
            "“maybe” stands here. true or false belongs here.",
        ),
        ('sync_backoff:\n  jitter: "true"', 2, "sync_backoff.jitter", "without quotes"),
        ("sync_backoff:\n  jitter: [true]", 2, "sync_backoff.jitter", "This is a list. true or false belongs here."),
        ("sync_backoff:\n  min_ms: 5\n  max_ms: 4", 3, "sync_backoff.max_ms", "max_ms is 4 ms, below min_ms, 5 ms."),
        ("sync_backoff:\n  min_ms: 40000", 2, "sync_backoff.min_ms", "max_ms is built in: set it too."),
        (
            "circuit_breaker:\n  cooldown_max_ms: 9",
            2,
            "circuit_breaker.cooldown_max_ms",
            "below cooldown_ms, 60,000 ms.",
        ),
        (
            "circuit_breaker:\n  slow_call_ms: 9",
            2,
            "circuit_breaker.slow_call_ms",
            "does nothing while slow_call_rate is off.",
        ),
        (
            "circuit_breaker:\n  slow_call_rate: 0.1",
            2,
            "circuit_breaker.slow_call_rate",
            "does nothing while slow_call_ms is off.",
        ),
        (
            "sync_backoff:\n  min_ms: 5\n  min_ms: 6",
            3,
            "sync_backoff.min_ms",
            "for the second time; the first is on line 2.",
        ),
        ("failover: {}\nfailover: {}", 2, "failover", "for the second time; the first is on line 1."),
        ("failover:\n", 1, "failover", "failover is empty."),
        ("failover: yes", 1, "failover", "Keys belong below failover"),
        ("failover: [1]", 1, "failover", "Keys belong below failover"),
        ("? [a]\n: 1", 1, "", "A name belongs here"),
        ("failover:\n  ? {a: 1}\n  : 1", 2, "failover", "A name belongs here"),
        (
            "failover:\n  fallback_endpoints: here",
            2,
            "failover.fallback_endpoints",
            "Names with their addresses belong here",
        ),
        (
            "failover:\n  fallback_endpoints:\n    db: [a]",
            3,
            "failover.fallback_endpoints",
            "The address of db is a text on one line",
        ),
        ("failover:\n  fallback_endpoints:\n    db:", 3, "failover.fallback_endpoints", "The address of db"),
        ("failover:\n  fallback_endpoints:\n    db: ~", 3, "failover.fallback_endpoints", "db has no address."),
        (
            "failover:\n  fallback_endpoints:\n    db: a\n    db: b",
            4,
            "failover.fallback_endpoints",
            "db stands here for the second time.",
        ),
        (
            "failover:\n  fallback_endpoints:\n    ? [a]\n    : b",
            3,
            "failover.fallback_endpoints",
            "The name of an endpoint is a text",
        ),
        (
            "queue_management:\n  alert_on_age_hours: 0",
            2,
            "queue_management.alert_on_age_hours",
            "A number of hours above 0",
        ),
        ("queue_management:\n  alert_on_age_hours: 2 days", 2, "queue_management.alert_on_age_hours", "in hours: 48."),
        (
            "alert_channels: [slack, emial, webhook]",
            1,
            "alert_channels",
            "“emial” is unknown here: did you mean email?",
        ),
        ("alert_channels:\n  - slack\n  - email\n  - slack", 4, "alert_channels", "slack stands here twice."),
        ("alert_channels: slack", 1, "alert_channels", "A list belongs here, as [slack, email]."),
        ("alert_channels: [[slack]]", 1, "alert_channels", "slack, email or webhook belongs here."),
        (
            "alert_channels: [slack]",
            1,
            "queue_management.alert_channels",
            "go to email, which is not among alert_channels (slack).",
        ),
        ("chaos_testing:\n  schedule: nihgtly", 2, "chaos_testing.schedule", "did you mean nightly?"),
        (
            "chaos_testing:\n  schedule: [x]",
            2,
            "chaos_testing.schedule",
            "hourly, nightly, weekly or never belongs here.",
        ),
        ("chaos_testing:\n  environments: [prod]", 2, "chaos_testing.environments", "did you mean production?"),
        ("sync_backoff:\n\tmin_ms: 5", 2, "", "indented with a tab"),
        ("sync_backoff:\n  min_ms: 5\n max_ms: 6", 3, "", "This is not YAML"),
        (
            "alert_channels: [slack, email, webhook",
            1,
            "",
            ", or ] is missing here, in the list in brackets that begins on line 1.",
        ),
        ('failover: "a', 1, "", "This is not YAML"),
        ("sync_backoff:\n  min_ms: &five 5", 2, "", "&five is an anchor."),
        ("sync_backoff:\n  min_ms: *five", 2, "", "*five is an alias."),
        ("sync_backoff:\n  min_ms: !!int 5", 2, "", "!!int is a tag."),
        ("failover: {}\n---\nfailover: {}", 2, "", "A second document begins here"),
        ("- failover", 1, "", "The file holds no sections."),
        ("failover", 1, "", "The file holds no sections."),
        ("", 0, "", "The file is empty."),
        ("# nothing\n", 0, "", "The file is empty."),
        ("sync_backoff:\n  min_ms: 5\x07", 2, "", "The character U+0007 cannot stand in YAML."),
    ],
)
def test_a_fault_is_told_with_line_key_and_reason(text: str, line: int, key: str, reason: str) -> None:
    """Each sort of fault, alone in a file."""
    told = only(text)
    assert (told[0], told[2]) == (line, key)
    assert reason in told[3]
    assert told[3].endswith((".", "?"))


def test_columns_count_from_one() -> None:
    """An unknown name has that of the name, a wrong value that of the value."""
    assert only("circuit_breaker:\n  cooldown: 5")[:2] == (2, 3)
    assert only("circuit_breaker:\n  cooldown_ms: -5")[:2] == (2, 16)


def test_what_is_not_utf8_has_its_line() -> None:
    """And its byte."""
    (fault,) = read(b"failover:\n  enabled: \xff", FILE).faults
    assert (fault.line, fault.column) == (2, 12)
    assert "0xff" in fault.reason
    assert read("\ufefffailover: {}".encode(), FILE).policy == built_in(FILE)


def test_a_large_file_is_refused_without_being_parsed() -> None:
    """And one of the largest size is read."""
    assert "more than 256 KB" in read(b"#" * (LARGEST + 1), FILE).faults[0].reason
    assert read(b"failover: {}\n#".ljust(LARGEST, b"#"), FILE).faults == ()


@pytest.mark.parametrize(
    "text",
    [
        "a: &a [x, x]\n" + "\n".join(f"{name}: &{name} [{', '.join(['*a'] * 9)}]" for name in "bcdefgh"),
        "[" * 200_000,
        "{a: " * 60_000,
        "- " * 100_000,
        "x: 1\n" * 50_000,
        "failover:\n" + "  enabledd: 1\n" * 15_000,
        "? " * 100_000,
        "a" * 250_000 + ": 1",
        "&a " * 1_000,
        "%" * 10_000,
    ],
    ids=[
        "laughs",
        "brackets",
        "braces",
        "dashes",
        "sections",
        "keys",
        "questions",
        "long name",
        "anchors",
        "directives",
    ],
)
def test_a_bomb_ends_as_a_few_faults(text: str) -> None:
    """Depth, number and size are limited; no fault quotes more than a line."""
    found = read(text.encode(), FILE).faults
    assert 0 < len(found) <= MOST + 1
    assert all(len(str(fault)) < 400 for fault in found)


def test_depth_and_number_have_limits() -> None:
    """And what is told about them."""
    assert any("nested more than 8 levels deep" in told[3] for told in faults("failover: " + "[" * 9 + "]" * 9))
    assert not any("nested" in told[3] for told in faults("failover: " + "[" * 6 + "]" * 6))
    many = "failover:\n  fallback_endpoints: {" + ",".join(f"e{n}: x" for n in range(6_000)) + "}"
    assert any("more than 10,000 values" in told[3] for told in faults(many))


def test_all_faults_are_told_at_once_in_the_order_of_the_file() -> None:
    """A broken section hides neither the faults above it nor those below."""
    text = """sync_backoff:
  max_ms: 30s
circuit_breaker:
  cooldown: 5
  failure_rate: 7
failovr: {}
queue_management:
  alert_channels: [slack, "pager"
chaos_testing:
  schedule: nihgtly
"""
    assert [(line, key) for line, _column, key, _reason in faults(text)] == [
        (2, "sync_backoff.max_ms"),
        (4, "circuit_breaker.cooldown"),
        (5, "circuit_breaker.failure_rate"),
        (6, "failovr"),
        (8, "queue_management.alert_channels"),
        (8, ""),
        (10, "chaos_testing.schedule"),
    ]


def test_what_is_sound_alone_and_wrong_together_waits_for_the_parts() -> None:
    """A contradiction with a value that is itself wrong is not told."""
    assert len(faults("sync_backoff:\n  min_ms: 40000\n  max_ms: x")) == 1
    assert len(faults("alert_channels: [webhook]\nqueue_management:\n  alert_channels: [x]")) == 1


def test_no_fault_quotes_an_address() -> None:
    """Endpoints can hold passwords, and faults go into the log."""
    text = "failover:\n  fallback_endpoints:\n    db: [postgres://u:geheim@h]\n    dc: |\n      geheim\n      geheim\n"
    assert "geheim" not in " ".join(str(fault) for fault in read(text.encode(), FILE).faults)
    assert "geheim" not in " ".join(
        str(fault) for fault in read(b"failover:\n  fallback_endpoints: geheim", FILE).faults
    )


def test_a_fault_reads_as_editors_jump_to_it() -> None:
    """File, line, column, key, reason."""
    assert str(Fault("a.yml", 3, 5, "failover.enabled", "No.")) == "a.yml:3:5: failover.enabled: No."
    assert str(Fault("a.yml", 0, 0, "", "The file is missing.")) == "a.yml: The file is missing."


LINES = st.sampled_from(
    [
        *SHIPPED.decode().splitlines(),
        *[f"{section.name}:" for section in SECTIONS],
        *[f"  {key.name}: 1" for section in SECTIONS for key in section.keys],
        "  - [", "}", "---", "...", "\t", "  &a *a", "? :", "<<: *a", "!!python/object/apply:os.system [ls]", "'", '"', "|", ">",
    ]
)  # fmt: skip


@budget(deadline=None)
@given(
    st.one_of(
        st.binary(max_size=400),
        st.lists(LINES, max_size=20).map(lambda lines: "\n".join(lines).encode()),
        st.text().map(str.encode),
    )
)
def test_any_bytes_end_as_a_policy_or_as_faults(content: bytes) -> None:
    """One of the two, never both, never an exception, and each fault within the file."""
    reading = read(content, FILE)
    assert (reading.policy is None) == bool(reading.faults)
    assert all(0 <= fault.line <= len(content.splitlines()) + 3 for fault in reading.faults)
    assert all(fault.reason for fault in reading.faults)


@budget(deadline=None)
@given(st.integers(0, len(SHIPPED)), st.integers(0, 40), st.binary(max_size=3))
def test_a_slip_in_the_shipped_file_is_a_fault_or_a_policy(place: int, gone: int, typed: bytes) -> None:
    """Whatever is typed over it."""
    reading = read(SHIPPED[:place] + typed + SHIPPED[place + gone :], FILE)
    assert (reading.policy is None) == bool(reading.faults)
