"""How numbers, durations and moments are written, everywhere. The no-break space keeps a figure and its unit on one line."""

from datetime import date, datetime, timedelta

from django.utils import formats, timezone
from django.utils.translation import gettext as _

GAP = "\u00a0"
MISSING = "\u2013"  # an en dash
CAP = 10_000
EXACT = 10
"""Below so many minutes the seconds are said too."""


def number(value: float | None, places: int = 0) -> str:
    """`value` with grouped thousands: "24,310"; a dash when it is missing, never 0."""
    if value is None:
        return MISSING
    return str(formats.number_format(round(value, places), decimal_pos=places, force_grouping=True))


def capped(value: int | None) -> str:
    """A count that was only taken up to 10,000: "148", "10,000+"."""
    return number(value) if value is None or value < CAP else f"{number(CAP)}+"


def percent(share: float | None) -> str:
    """A share between 0 and 1: "96.2 %"."""
    if share is None:
        return MISSING
    places = 0 if share in (0, 1) or share >= 0.9995 else 1
    return f"{number(share * 100, places)}{GAP}%"


def size(octets: int | None) -> str:
    """An amount of data: "4.1 MB" (powers of ten)."""
    if octets is None:
        return MISSING
    if octets < 1_000:
        return f"{octets}{GAP}B"
    if octets < 1_000_000:
        return f"{number(octets / 1_000, 1)}{GAP}kB"
    return f"{number(octets / 1_000_000, 1)}{GAP}MB"


def duration(span: float | timedelta | None) -> str:
    """A length of time in two units at most: "212 ms", "1.9 s", "1 min 45 s", "41 min", "1 h 08 min", "3 d 4 h"."""
    if span is None:
        return MISSING
    seconds = span.total_seconds() if isinstance(span, timedelta) else span
    if seconds < 0.9995:
        return f"{max(round(seconds * 1000), 0)}{GAP}ms"
    if seconds < 9.95 and round(seconds, 1) != round(seconds):
        return f"{number(seconds, 1)}{GAP}{_('s')}"
    return age(seconds)


def age(span: float | timedelta | None) -> str:
    """A length of time in whole seconds at the finest: "9 s", "1 min 45 s", "41 min", "1 h 08 min", "3 d 4 h"."""
    if span is None:
        return MISSING
    seconds = max(int(span.total_seconds() if isinstance(span, timedelta) else span), 0)
    if seconds < 60:
        return f"{seconds}{GAP}{_('s')}"
    minutes, rest = divmod(seconds, 60)
    if minutes < EXACT and rest:
        return f"{minutes}{GAP}{_('min')}{GAP}{rest:02}{GAP}{_('s')}"
    if minutes < 60:
        return f"{minutes}{GAP}{_('min')}"
    if minutes < 24 * 60:
        return f"{minutes // 60}{GAP}{_('h')}{GAP}{minutes % 60:02}{GAP}{_('min')}"
    hours = minutes // 60
    return f"{hours // 24}{GAP}{_('d')}{GAP}{hours % 24}{GAP}{_('h')}"


def moment(at: datetime, today: date, *, seconds: bool = False) -> str:
    """A time in the reader's zone: "03:12" today ("03:12:40" where seconds matter), "20 Nov 17:40" otherwise."""
    local = timezone.localtime(at)
    clock = local.strftime("%H:%M:%S" if seconds else "%H:%M")
    if local.date() == today:
        return clock
    day = f"{local.day}{GAP}{formats.date_format(local, 'M')}"
    if local.year != today.year:
        day = f"{day}{GAP}{local.year}"
    return f"{day} {clock}"


def full_moment(at: datetime) -> str:
    """A time with its date, zone and UTC, for the tooltip."""
    local = timezone.localtime(at)
    here = f"{formats.date_format(local, 'j F Y')}, {local:%H:%M:%S} {local.tzname()}"
    return (
        here
        if local.utcoffset() == timedelta(0)
        else f"{here} · {at.astimezone(timezone.get_fixed_timezone(0)):%H:%M:%S} UTC"
    )
