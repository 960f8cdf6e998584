"""What an outage is called, and what it holds up: one that a person recorded as minor takes little away, and nothing waits for it."""

from django.utils.translation import gettext as _

from portal.kit.viewer import Viewer
from resilience.health.core.states import Severity, State
from resilience.health.core.status import RECORDED
from resilience.health.models import Outage
from resilience.health.providers import Impact, impacts


def partly(severity: str, opened_by: str, *, down: bool = False) -> bool:
    """Whether little is missing: a person recorded it as minor, and nothing else finds the component down."""
    return bool(opened_by) and not down and RECORDED[Severity(severity)] is State.SLOW


def is_partly(outage: Outage) -> bool:
    """The same of an outage; while it goes on, its probes and its breaker have their say. Reads component and upstream__breaker."""
    if outage.ended_at is not None or not partly(outage.severity, outage.opened_by):
        return partly(outage.severity, outage.opened_by)
    breaker = getattr(outage.component.upstream, "breaker", None)
    tripped = breaker is not None and breaker.out and not breaker.force
    return not tripped and outage.component.state != State.DOWN.value


def is_out(outage: Outage) -> str:
    """What its component is while it goes on, as the verb of a sentence."""
    return _("is partly out") if is_partly(outage) else _("is down")


def stands(state: State, outage: Outage | None) -> str:
    """What a component is that is down or slow, as the verb of a sentence; one that counts as slow for such an outage is partly out."""
    if state is State.DOWN:
        return _("is down")
    return _("is slow") if outage is None or not partly(outage.severity, outage.opened_by) else _("is partly out")


def delivers(outage: Outage) -> bool:
    """Whether changes go out to its component all the same: it is partly out, and nobody stopped it."""
    upstream = outage.component.upstream
    if upstream is None or upstream.paused_at is not None or not is_partly(outage):
        return False
    breaker = getattr(upstream, "breaker", None)
    return breaker is None or not breaker.forced_open


def held_up(viewer: Viewer, outage: Outage) -> list[Impact]:
    """What it holds up while it goes on, a line each; nothing where changes are delivered all the same."""
    upstream_id = outage.component.upstream_id
    if outage.ended_at is not None or upstream_id is None or delivers(outage):
        return []
    return impacts(viewer, [upstream_id])
