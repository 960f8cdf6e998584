"""The dashboard, the rules and the pages of docs/monitoring name only what a portal really gives, and Prometheus' own tool takes them."""

import json
import re
import subprocess
from datetime import timedelta
from itertools import combinations
from pathlib import Path
from typing import Any

import pytest
import time_machine
import yaml
from django.test import Client
from prometheus_client.parser import text_string_to_metric_families as read_text

from portal.kit import clock
from portal.monitoring import issues
from portal.monitoring.examples import HEALTH
from resilience.breakers.actions.force import force_open
from resilience.health.live import snapshot
from resilience.health.models import Component, Probe
from syncqueue.models import Counter
from tests.docs import pages
from tests.docs.test_names import anchors
from tests.monitoring.conftest import World, scrape
from tests.monitoring.fill import METADATA

PROMTOOL = "/usr/bin/promtool"
FOLDER = pages.ROOT / "docs" / "monitoring"
RULES = [
    rule for group in yaml.safe_load((FOLDER / "prometheus-rules.yml").read_text())["groups"] for rule in group["rules"]
]
DASHBOARD: dict[str, Any] = json.loads((FOLDER / "grafana-dashboard.json").read_text())
OURS = ("breakwater_", "circuit_breaker_", "bulkhead_", "retry_", "timeout_")
_METRIC = re.compile(r"\b((?:" + "|".join(OURS) + r")\w+)(?:\{([^}]*)\})?")
_LABEL = re.compile(r'(\w+)\s*(?:=~|!~|!=|=)\s*"')
ROWS = ["System", "Upstreams", "Queue", "Breakers", "Probes", "Conflicts", "Workers"]


def expressions() -> list[str]:
    """What the dashboard asks Prometheus."""
    asked = [target["expr"] for panel in DASHBOARD["panels"] for target in panel.get("targets", [])]
    asked += [note["expr"] for note in DASHBOARD["annotations"]["list"]]
    asked += [variable["query"]["query"] for variable in DASHBOARD["templating"]["list"] if variable["type"] == "query"]
    return asked


def named(expression: str) -> dict[str, set[str]]:
    """The metrics of ours that an expression names, with the labels that it selects by."""
    found: dict[str, set[str]] = {}
    for name, selected in _METRIC.findall(expression):
        found.setdefault(name, set()).update(_LABEL.findall(selected))
    return found


@pytest.fixture
def given(world: World, key: str, client: Client, working: None) -> dict[str, set[str]]:
    """Every metric of a portal in which everything has happened, with its labels."""
    now = clock.now()
    Probe.objects.unscoped().update(last_at=now, last_ms=20.0, state="up", last_metadata=METADATA)
    Component.objects.unscoped().update(state="up", since=now)
    force_open(viewer=world.people.viewer(world.people.alice), upstream_id=world.ai.pk, reason="a test")
    return {
        sample.name: set(sample.labels)
        for family in read_text(scrape(client))
        for sample in family.samples
        if sample.name.startswith(OURS)
    }


def test_the_scan_finds_names_and_labels() -> None:
    """What the tests below rest on does find what an expression names."""
    said = 'max by (x) (breakwater_a{b="c",d=~"$e"}) / ignoring (y) rate(retry_f_total[5m]) + up{job="z"}'
    assert named(said) == {"breakwater_a": {"b", "d"}, "retry_f_total": set()}


def test_the_example_of_health_is_what_a_portal_says(world: World, working: None) -> None:
    """The page shows what the API's description shows; fields and sentences are those that the portal gives."""
    now = clock.now()
    Probe.objects.unscoped().update(last_at=now, last_ok=True, state="up")
    Component.objects.unscoped().update(state="up", since=now)
    Component.objects.unscoped().filter(upstream=world.plans).update(state="down", reason="Connection refused")
    with time_machine.travel(now - timedelta(minutes=41), tick=False):
        world.enqueue("alice")
    Counter.objects.create(upstream=world.plans, name="queued", slot=1, value=124)
    said = world.browser("alice").get("/api/health").json()
    assert said.keys() == HEALTH.keys()
    assert [one.replace("\u00a0", " ") for one in said["issues"]] == HEALTH["issues"]
    [shown] = [json.loads(block) for block in pages.blocks((FOLDER / "README.md").read_text(), "json")]
    assert shown == {name: HEALTH[name] for name in shown}


def test_the_example_of_the_stream_is_what_it_says(world: World) -> None:
    """A component's row as the page shows it has the fields that are told; of one that is down no latency is known."""
    text = pages.read("docs/live.md")
    found = re.search(r'"components":\[(\{.*?\})\]', text, re.S)
    assert found is not None
    shown, whole = json.loads(found[1]), snapshot(frozenset({world.people.tidewater.pk}))
    assert list(shown) == list(whole["components"][0])
    assert (shown["state"], shown["latencyMs"]) == ("down", None)
    everything = text.partition("First everything")[2].partition("Later ones")[0]
    assert re.findall(r"`(\w+)`", everything) == list(whole)


def test_everything_that_is_asked_for_is_given(given: dict[str, set[str]]) -> None:
    """Each metric in the dashboard and in the rules exists, with each label that it is selected by."""
    for expression in [*expressions(), *(rule["expr"] for rule in RULES)]:
        for name, selected in named(expression).items():
            assert name in given, f"{name} in {expression}"
            assert selected <= given[name], f"{name} has {given[name]}, not {selected}"


def test_the_dashboard_shows_every_metric(given: dict[str, set[str]]) -> None:
    """Nothing is exported that nobody sees, but for what tells of the portal's set-up."""
    shown = {name for expression in expressions() for name in named(expression)}
    assert set(given) - shown == {"breakwater_info", "breakwater_org_enforcement"}


def test_the_page_lists_every_metric(given: dict[str, set[str]]) -> None:
    """docs/monitoring/metrics.md has a row for each, with its labels, and for nothing else."""
    rows = [cells for cells in pages.rows((FOLDER / "metrics.md").read_text()) if cells[0].strip("`").startswith(OURS)]
    listed = {cells[0].strip("`"): set(re.findall(r"`(\w+)`", cells[2])) for cells in rows}
    assert listed == given


@pytest.mark.plain
def test_promtool_takes_the_rules() -> None:
    """No rule is refused, and the configuration that shows how to scrape is one."""
    for words in (("rules", "prometheus-rules.yml"), ("config", "--syntax-only", "prometheus.yml")):
        checked = promtool("check", *words)
        assert checked.returncode == 0, checked.stderr


@pytest.mark.plain
def test_each_alert_fires_when_it_should() -> None:
    """promtool plays each rule through: quiet at first and beside what is well, firing in the end."""
    played = promtool("test", "rules", "prometheus-rules.test.yml")
    assert played.returncode == 0, played.stdout + played.stderr


@pytest.mark.plain
def test_each_alert_is_played_and_explained() -> None:
    """No alert is without a test that fires it, and its run book is a heading that exists."""
    played = yaml.safe_load((FOLDER / "prometheus-rules.test.yml").read_text())["tests"]
    fires = {case["alertname"] for test in played for case in test["alert_rule_test"] if case["exp_alerts"]}
    quiet = {case["alertname"] for test in played for case in test["alert_rule_test"] if not case["exp_alerts"]}
    assert {rule["alert"] for rule in RULES} == fires == quiet
    for rule in RULES:
        path, _, anchor = rule["annotations"]["runbook"].partition("#")
        assert anchor == rule["alert"].lower()
        assert anchor in anchors((pages.ROOT / path).read_text()), rule["alert"]
        assert rule["labels"]["severity"] in {"critical", "warning", "info"}


@pytest.mark.plain
def test_the_dashboard_asks_in_promql(tmp_path: Path) -> None:
    """With its variables filled in, each of its questions is one that Prometheus understands."""
    asked = [text for text in expressions() if not text.startswith("label_values(")]
    filled = [re.sub(r"\$(organization|upstream)", ".*", text.replace("$__rate_interval", "5m")) for text in asked]
    rules = [{"record": f"question_{number}", "expr": text} for number, text in enumerate(filled)]
    (tmp_path / "questions.yml").write_text(yaml.safe_dump({"groups": [{"name": "dashboard", "rules": rules}]}))
    checked = promtool("check", "rules", "--lint=none", str(tmp_path / "questions.yml"))
    assert checked.returncode == 0, checked.stderr
    assert len(rules) > 40


@pytest.mark.plain
def test_the_dashboard_is_whole() -> None:
    """Its rows, one data source that can be chosen, and panels that have ids of their own and do not lie on each other."""
    panels = DASHBOARD["panels"]
    assert [panel["title"] for panel in panels if panel["type"] == "row"] == ROWS
    assert [one["name"] for one in DASHBOARD["templating"]["list"]] == ["datasource", "organization", "upstream"]
    assert {json.dumps(one["datasource"]) for one in panels if "datasource" in one} == {
        '{"type": "prometheus", "uid": "${datasource}"}'
    }
    assert len({panel["id"] for panel in panels}) == len(panels)
    for one, other in combinations([panel["gridPos"] for panel in panels], 2):
        apart = (
            one["x"] + one["w"] <= other["x"]
            or other["x"] + other["w"] <= one["x"]
            or one["y"] + one["h"] <= other["y"]
            or other["y"] + other["h"] <= one["y"]
        )
        assert apart, (one, other)


@pytest.mark.plain
@pytest.mark.parametrize(
    "panel", [one for one in DASHBOARD["panels"] if one["type"] != "row"], ids=lambda one: one["title"]
)
def test_each_panel_says_what_its_figures_are(panel: dict[str, Any]) -> None:
    """Seconds, bytes, shares and rates have their unit, each line its name, and a table of several questions is one table."""
    asked = [target["expr"] for target in panel["targets"]]
    unit = panel["fieldConfig"]["defaults"].get("unit")
    told = panel.get("description", "") + " ".join(target["legendFormat"] for target in panel["targets"])
    for expression in asked:
        share = re.search(
            r"_(bytes|active)(\{[^}]*\})? / | / (ignoring \(result\) )?\(?rate\(\w+_(runs|calls)_total", expression
        )
        rate = not share and re.search(r"\brate\(\w+_total", expression)
        wanted = "percentunit" if share and "_run_seconds" not in expression else "ops" if rate else None
        wanted = wanted or ("s" if "_seconds" in expression else "bytes" if "_bytes" in expression else None)
        assert unit == wanted or (unit is None and re.search(r"seconds|\(s\)|a second|Days", told)), (
            wanted,
            expression,
        )
    if panel["type"] == "table":
        assert [one["id"] for one in panel["transformations"]] == ["merge", "organize"][-len(asked) :]
    elif len(asked) > 1 or panel["type"] in {"timeseries", "state-timeline"}:
        assert all(target["legendFormat"] for target in panel["targets"])


@pytest.mark.plain
def test_alerts_and_issues_begin_at_the_same_figures() -> None:
    """What /api/health calls an issue is what Prometheus alerts at."""
    said = {rule["alert"]: rule["expr"] for rule in RULES}
    assert said["BreakwaterBacklog"].endswith(f"> {issues.BACKLOG}")
    assert said["BreakwaterItemTooOld"].endswith(f"> {issues.OLDEST:.0f}")
    assert said["BreakwaterIngestLag"].endswith(f"> {issues.LAG:.0f}")
    assert said["BreakwaterDiskNearlyFull"].endswith(f"< {issues.DISK}")


def promtool(*words: str) -> subprocess.CompletedProcess[str]:
    """What Prometheus' own tool says, in the folder of the files."""
    return subprocess.run([PROMTOOL, *words], cwd=FOLDER, capture_output=True, text=True, check=False)
