"""Saying when a component is expected back."""

from datetime import datetime

from django.db import transaction

from portal.kit.viewer import Viewer
from resilience.health.actions.close_outage import refuse_over
from resilience.health.actions.outages import (
    coming_faults,
    expect,
    iso,
    masked,
    one_line,
    outage_of,
    tell_outage,
    text_faults,
)
from resilience.health.actions.steering import refuse, shown
from resilience.health.models import Outage

FIELDS = ("expected_at", "expected_source", "expected_text", "expected_low", "expected_high", "expected_of")


def expect_outage(*, viewer: Viewer, outage_id: int, at: datetime | None = None, text: str = "") -> Outage:
    """The outage with what the viewer expects: a moment, words, or both; with neither it is estimated again.

    The event keeps what was said before.
    """
    text = one_line(text)
    refuse([*coming_faults(at, "/at"), *text_faults(text, "/text")])
    text = masked(text)
    with transaction.atomic():
        outage = outage_of(viewer, outage_id)
        refuse_over(outage)
        before = {
            "at": iso(outage.expected_at),
            "source": outage.expected_source,
            "text": shown(outage.expected_text),
        }
        expect(outage, at, text)
        outage.save(update_fields=FIELDS)
        tell_outage("outage.expected", viewer, outage, {"at": iso(at), "text": shown(text), "before": before})
    return outage
