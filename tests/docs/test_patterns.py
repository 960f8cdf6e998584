"""docs/reference/patterns.md: its examples run and print what they say, and its tables are those of the code."""

import dataclasses
import os
import re
import subprocess
import sys

import pytest

from resilience import patterns
from resilience.patterns import API, CRITICAL, PRESETS, ResilienceError
from resilience.telemetry import tracing
from resilience.telemetry.readings import METRICS
from tests.docs import pages

pytestmark = pytest.mark.plain
PAGE = "docs/reference/patterns.md"
SECTIONS = dict(re.findall(r"^## (.+?)\n(.*?)(?=^## |\Z)", pages.read(PAGE), re.MULTILINE | re.DOTALL))
SAID = re.compile(r"^\s*print\(.*\)  # (.*)$", re.MULTILINE)
CONFIGS = ["BreakerConfig", "RetryConfig", "TimeoutConfig", "BulkheadConfig", "Policy"]


@pytest.mark.parametrize("section", [name for name, text in SECTIONS.items() if pages.blocks(text, "python")])
def test_the_examples_of_a_section_run(section: str) -> None:
    """In a program of their own, from top to bottom, with warnings as errors; they print what the comments say."""
    program = "\n".join(pages.blocks(SECTIONS[section], "python"))
    environment = {**os.environ, "PYTHONPATH": str(pages.ROOT)}
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", program], capture_output=True, text=True, env=environment, check=False
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines() == SAID.findall(program)


def test_every_pattern_has_an_example() -> None:
    """No pattern without one."""
    shown = {name for name, text in SECTIONS.items() if pages.blocks(text, "python")}
    assert {"Circuit breaker", "Retry", "Timeouts", "Bulkhead", "Fallback", "Policies", "Decorators"} <= shown


@pytest.mark.parametrize("name", CONFIGS)
def test_a_config_has_each_field_with_its_default(name: str) -> None:
    """In the order of the code; a unit where there is one is for people."""
    table = re.search(rf"^### {name}\n(.*?)(?=^##|\Z)", pages.read(PAGE), re.MULTILINE | re.DOTALL)
    assert table
    said = {row[0].strip("`"): row[2] for row in pages.rows(table[1])}
    fields = [field for field in dataclasses.fields(getattr(patterns, name)) if field.init]
    assert list(said) == [field.name for field in fields]
    for field in fields:
        default = field.default
        if default is dataclasses.MISSING:
            assert said[field.name] == "required"
        elif field.name == "readers":
            assert said[field.name] == f"`({', '.join(one.__name__ for one in default)},)`"
        else:
            assert said[field.name] == f"`{default!r}`"


def test_describe_is_quoted_as_it_is() -> None:
    """The order with the figures of a preset."""
    assert f"{API.describe()}\n" in pages.blocks(pages.read(PAGE), "text")


def test_the_presets_are_told_with_their_figures() -> None:
    """Attempts, failures, waits and places."""
    for row in pages.rows(SECTIONS["Policies"]):
        preset = PRESETS.get(row[0].partition('"')[2].strip('"'))
        if preset is None:
            continue
        assert row[0] == f'`{preset.name.upper()}` "{preset.name}"'
        assert preset.retry is not None
        assert preset.bulkhead is not None
        assert row[1].endswith(f"{preset.retry.max_attempts} attempts")
        breaker = preset.breaker
        assert row[2] == (
            "none" if breaker is None else f"{breaker.failure_threshold} failures, {breaker.reset_timeout:g} s"
        )
        assert row[3].startswith(f"{preset.bulkhead.max_concurrent} + {preset.bulkhead.max_queue}")
        assert row[4] == f"{preset.attempt_seconds:g} s"
    assert CRITICAL.breaker is None


def test_every_error_has_its_code() -> None:
    """Those that users meet."""
    said = {row[0].strip("`"): row[1].strip("`") for row in pages.rows(SECTIONS["Errors and codes"])}
    errors = {
        one.__name__: one.code
        for one in vars(patterns.errors).values()
        if isinstance(one, type) and issubclass(one, ResilienceError) and one is not ResilienceError
    }
    assert said == errors


def test_every_metric_is_told() -> None:
    """Name, kind and labels, in order."""
    said = [
        (row[0].strip("`"), row[1], tuple(row[2].replace("`", "").split())) for row in pages.rows(SECTIONS["Metrics"])
    ]
    assert said == [(one.name, one.kind, one.labels) for one in METRICS]


def test_every_name_of_a_trace_is_told() -> None:
    """Span, attributes and events."""
    said = {name for row in pages.rows(SECTIONS["Spans"]) for name in re.findall(r"`([a-z_.]+)`", row[0])}
    ours = {
        tracing.OPERATION,
        tracing.CIRCUIT_STATE,
        tracing.RETRY_ATTEMPT,
        tracing.TIMEOUT_EXCEEDED,
        tracing.QUEUE_POSITION,
    }
    assert said == ours | {tracing.FALLBACK, tracing.NAME, tracing.POLICY, tracing.ERROR_TYPE, tracing.CODE}


def test_every_event_field_is_told() -> None:
    """As the dataclasses have them."""
    for row in pages.rows(SECTIONS["Events"]):
        name, _, fields = row[1].partition(":")
        event = getattr(patterns, name.strip("`"))
        assert set(re.findall(r"`(\w+)`", fields)) == {field.name for field in dataclasses.fields(event)}
