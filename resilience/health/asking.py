"""What a probe's row asks, ready to be sent, and what a finding says: to the breaker, and as a result.

An upstream's own headers and credentials go out with one kind of probe only: the one that has no address of its own, which asks the
upstream at its address. A probe of an upstream never takes longer than the upstream's own timeout.
"""

import asyncio
import json
import logging
from dataclasses import dataclass
from datetime import datetime

from django.utils.translation import gettext as _

from portal.kit.secrets import SecretUnreadable
from resilience.health.core.schedule import run_seconds
from resilience.health.models import Probe
from resilience.health.store import Ran
from resilience.health.targets.base import MOST_ERROR, MOST_METADATA, Finding, Question, Tools
from resilience.health.targets.registry import target
from resilience.health.targets.run import run
from resilience.patterns.typing import Verdict
from resilience.telemetry import tracing

log = logging.getLogger(__name__)

MARGIN = 0.25
"""Seconds that a target has to end by itself when its time is over, before it is ended."""
SERVER_ERROR = 500
ALIVE = "100-499"
"""What an upstream may answer at its own address: one that refuses is alive."""


class NotWell(Exception):
    """What a breaker keeps of a probe that found its upstream down."""

    code = "PROBE_FAILED"


@dataclass(frozen=True, slots=True)
class Ready:
    """A probe that can be asked: its question, and what its limit per host goes by. `broken` says why it cannot be asked at all."""

    question: Question
    host: str = ""
    broken: str = ""


def ready(probe: Probe) -> Ready:
    """What this probe asks. Reads `component` and its `upstream`."""
    upstream = probe.component.upstream
    bound = upstream.timeout if upstream is not None else None
    seconds = run_seconds(probe.timeout, probe.interval, bound)
    blank = Question(probe.kind, probe.address, probe.options, timeout=seconds)
    asked = target(probe.kind)
    if asked is None:
        return Ready(blank, broken=_("There is no kind of probe called %s") % probe.kind)
    try:
        question = _question(probe, seconds)
        return Ready(question, asked.host(question))
    except SecretUnreadable as error:
        return Ready(blank, broken=error.title())
    except Exception as error:
        log.exception("The probe %s cannot be asked", probe.pk)
        return Ready(blank, broken=_("The probe cannot be asked: %s") % type(error).__name__)


def _question(probe: Probe, seconds: float) -> Question:
    upstream, secret = probe.component.upstream, probe.read_secret()
    if probe.address or upstream is None or probe.kind != "http":
        return Question(probe.kind, probe.address, probe.options, secret, seconds)
    own = {"headers": upstream.headers, "credentials": upstream.read_credentials()}
    return Question("http", upstream.address, {"status": ALIVE, **probe.options}, {**own, **secret}, seconds)


async def ask(what: Ready, tools: Tools) -> Finding:
    """What came of it; never raises for what a target does, and ends in time."""
    if what.broken:
        return Finding(ok=False, seconds=0.0, error=what.broken)
    with tracing.operation(f"probe {what.host or what.question.kind}"):
        finding = await _ask(what, tools)
        tracing.note(lambda: _told(what, finding))
    return finding


def _told(what: Ready, finding: Finding) -> dict[str, object]:
    """What a span tells of it: no text, which may hold what must not leave."""
    return {
        "breakwater.probe": what.question.kind,
        "resilience.outcome": "ok" if finding.ok else "failed",
        "resilience.code": "" if finding.ok else NotWell.code,
        "http.response.status_code": finding.metadata.get("status"),
    }


async def _ask(what: Ready, tools: Tools) -> Finding:
    seconds = what.question.timeout
    try:
        async with asyncio.timeout(seconds + MARGIN):
            return await run(what.question, tools)
    except TimeoutError:
        said = _("No answer within %g s") % seconds
        return Finding(ok=False, seconds=seconds, error=said, unanswered=True, transport=True)
    except Exception as error:
        log.exception("A probe of the kind %s failed by itself", what.question.kind)
        return Finding(ok=False, seconds=0.0, error=_("The probe itself failed: %s") % type(error).__name__)


def verdict_of(finding: Finding) -> Verdict:
    """What a finding says of the upstream to its breaker: one that answers is alive, unless it answers that it failed."""
    if finding.ok:
        return Verdict.SUCCESS
    status = finding.metadata.get("status")
    if not isinstance(status, int):
        return Verdict.FAILURE
    return Verdict.FAILURE if status >= SERVER_ERROR else Verdict.IGNORED


def ran(
    probe_id: int,
    revision: int,
    finding: Finding,
    *,
    at: datetime,
    slow_after_ms: int | None,
    blind: bool = False,
    by_hand: bool = False,
) -> Ran:
    """The finding as it is kept."""
    ms = finding.seconds * 1_000
    slow = finding.ok and (finding.slow or (slow_after_ms is not None and ms >= slow_after_ms))
    return Ran(
        probe_id=probe_id,
        revision=revision,
        at=at,
        ok=finding.ok,
        ms=round(ms, 3),
        slow=slow,
        error=finding.error[:MOST_ERROR],
        metadata=_metadata(finding),
        unanswered=finding.unanswered,
        blind=blind,
        by_hand=by_hand,
    )


def _metadata(finding: Finding) -> str:
    if not finding.metadata:
        return ""
    text = json.dumps(dict(finding.metadata), separators=(",", ":"), ensure_ascii=False)
    return text if len(text.encode()) <= MOST_METADATA else ""
