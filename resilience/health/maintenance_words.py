"""Maintenance in words: the rhythm of a recurring one, and times on two clocks."""

from datetime import datetime, timedelta, tzinfo

from django.utils import timezone
from django.utils.dates import WEEKDAYS
from django.utils.translation import gettext as _

from portal.kit import clock
from portal.web import formats
from resilience.health.core.occurrences import Window, zone_of
from resilience.health.core.rhythm import LAST, Every, rhythm_of
from resilience.health.models import Maintenance


def rhythm(row: Maintenance) -> str:
    """How often and how long: "every Monday at 02:00 for 1 h 30 min"; "" for once."""
    if not row.schedule:
        return ""
    said = {"span": formats.age(timedelta(minutes=row.minutes)), "line": row.schedule}
    known = rhythm_of(row.schedule)
    if known is None:
        return _("as the cron line “%(line)s” says, for %(span)s") % said
    last = known.every is Every.MONTH and known.day == LAST
    day = str(WEEKDAYS[known.day - 1]) if known.every is Every.WEEK else str(known.day)
    phrases = {
        Every.DAY: _("every day at %(time)s for %(span)s"),
        Every.WORKDAY: _("Monday to Friday at %(time)s for %(span)s"),
        Every.WEEK: _("every %(day)s at %(time)s for %(span)s"),
        Every.MONTH: _("on day %(day)s of every month at %(time)s for %(span)s"),
    }
    phrase = _("on the last day of every month at %(time)s for %(span)s") if last else phrases[known.every]
    return phrase % {**said, "time": f"{known.at:%H:%M}", "day": day}


def where(row: Maintenance) -> str:
    """What is maintained."""
    return row.component.name if row.component else _("Everything of %s") % row.organization.name


def zone_word(name: str) -> str:
    """A zone as people read it."""
    return name.replace("_", " ")


def span(window: Window, zone: tzinfo | None = None) -> str:
    """A window on one clock (the reader's unless said): "22 Nov 02:00 to 03:30"; the day of its end only where it is another one."""
    start = _moment(window.starts_at, zone)
    end = window.ends_at.astimezone(zone or timezone.get_current_timezone())
    same = end.date() == window.starts_at.astimezone(end.tzinfo).date()
    return _("%(start)s to %(end)s") % {
        "start": start,
        "end": f"{end:%H:%M}" if same else _moment(window.ends_at, zone),
    }


def spans(window: Window, name: str) -> tuple[str, str]:
    """The same on the plan's clock, and on the reader's where that shows another time ("" otherwise)."""
    zone = zone_of(name)
    here = timezone.get_current_timezone()
    moments = (window.starts_at, window.ends_at)
    same = zone is None or all(at.astimezone(zone).utcoffset() == at.astimezone(here).utcoffset() for at in moments)
    return span(window, zone), "" if same else span(window)


def _moment(at: datetime, zone: tzinfo | None) -> str:
    with timezone.override(zone or timezone.get_current_timezone()):
        return formats.moment(at, timezone.localtime(clock.now()).date())
