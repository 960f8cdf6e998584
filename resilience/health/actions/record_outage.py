"""Recording an outage that a person saw."""

from datetime import datetime

from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _

from portal.kit import clock
from portal.kit.errors import Conflicting, Fault
from portal.kit.viewer import Permission, Viewer
from portal.web.formats import full_moment
from resilience.health.actions.outages import (
    coming_faults,
    expect,
    iso,
    masked,
    one_line,
    past_faults,
    tell_outage,
    text_faults,
)
from resilience.health.actions.reassess import read_maintained, reassess
from resilience.health.actions.steering import component_of, refuse, shown
from resilience.health.core.states import Severity
from resilience.health.models import Component, Outage
from resilience.health.providers import loads


def record_outage(
    *,
    viewer: Viewer,
    component_id: int,
    severity: str,
    cause: str = "",
    began_at: datetime | None = None,
    expected_at: datetime | None = None,
    expected_text: str = "",
) -> Outage:
    """The outage, which goes on until a person closes it.

    It began now unless said, and not within an earlier one of the same component. A component has one at a time: Conflicting otherwise,
    with the id of the one that goes on in `extra`. Where nobody says when it is back, that is estimated as it is for every outage.
    """
    cause, expected_text = one_line(cause), one_line(expected_text)
    refuse(
        [
            *severity_faults(severity),
            *text_faults(cause, "/cause"),
            *past_faults(began_at, "/began_at"),
            *coming_faults(expected_at, "/expected_at"),
            *text_faults(expected_text, "/expected_text"),
        ]
    )
    cause, expected_text = masked(cause), masked(expected_text)
    with transaction.atomic():
        component = component_of(viewer, component_id, Permission.OPERATE)
        now = clock.now()
        began = min(began_at or now, now)
        _refuse_second(viewer, component, began)
        outage = Outage(
            component=component, began_at=began, noticed_at=now, severity=severity, cause=cause, opened_by=viewer.name
        )
        expect(outage, expected_at, expected_text)
        if component.upstream_id is not None:
            outage.most_waiting = loads([component.upstream_id])[component.upstream_id].waiting
        try:
            with transaction.atomic():
                outage.save()
        except IntegrityError:  # the prober opened one between the look and the write
            raise _second(viewer, component) from None
        said = {"severity": severity, "cause": shown(cause), "began_at": iso(began)}
        tell_outage("outage.recorded", viewer, outage, {**said, "expected": [iso(expected_at), shown(expected_text)]})
        reassess([component.pk], now=now, maintained=read_maintained(component, now))
    return outage


def severity_faults(severity: object) -> list[Fault]:
    """What is wrong with a severity."""
    known = ", ".join(one.value for one in Severity)
    right = isinstance(severity, str) and severity in set(Severity)
    return [] if right else [Fault("/severity", _("A severity is one of: %s.") % known)]


def _refuse_second(viewer: Viewer, component: Component, began: datetime) -> None:
    """Raises Conflicting when an outage goes on, and Invalid when this one would begin within an earlier one."""
    mine = Outage.objects.for_org(viewer).filter(component=component)
    if mine.active().exists():
        raise _second(viewer, component)
    earlier = mine.filter(began_at__lte=began, ended_at__gt=began).order_by("-began_at").first()
    if earlier is not None and earlier.ended_at is not None:
        detail = _("An outage of %(name)s lasted until %(time)s. Let this one begin then, or later.")
        refuse([Fault("/began_at", detail % {"name": component.name, "time": full_moment(earlier.ended_at)})])


def _second(viewer: Viewer, component: Component) -> Conflicting:
    active = Outage.objects.for_org(viewer).filter(component=component).active().first()
    detail = _("%s has an outage that goes on. Write an update there, or close it first.") % component.name
    where = {"outage": active.pk, "page": f"/settings/health/outages/{active.pk}"} if active else {}
    return Conflicting(detail, faults=[Fault("/component", detail)], **where)
