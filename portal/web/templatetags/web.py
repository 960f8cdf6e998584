"""Template tags of every page: icons, states, numbers, durations, moments.

{% load web %}
{% icon "queue" %}  {% state "in_flight" %}  {{ n|number }}  {{ n|capped }}  {{ share|percent }}  {{ seconds|duration }}
{% ago item.created_at %}  {% moment attempt.started_at seconds=True %}  {{ item.id|short_id }}  {{ octets|size }}
<textarea {% json_editor %}>
"""

import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from django import template
from django.forms import BoundField
from django.templatetags.static import static
from django.utils import timezone
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from portal.kit import clock
from portal.web import editor, formats
from portal.web.vocabulary import sign

register = template.Library()

register.filter("number", formats.number)
register.filter("capped", formats.capped)
register.filter("percent", formats.percent)
register.filter("size", formats.size)
register.filter("duration", formats.duration)
register.filter("age", formats.age)


@register.simple_tag
def icon(name: str) -> SafeString:
    """A symbol of icons.svg, silent for screen readers: the word next to it speaks."""
    return format_html('<svg class="icon" aria-hidden="true"><use href="{}#{}"></use></svg>', static("icons.svg"), name)


@register.simple_tag
def state(name: str, word: str = "", *, quiet: bool = False) -> SafeString:
    """A state as shape, word and colour; its ground is filled when it needs a hand (unless `quiet`). `word` replaces the usual one."""
    shown = sign(name)
    loud = SafeString(" data-loud") if shown.loud and not quiet else ""
    return format_html(
        '<span class="state" data-tone="{}"{}>{}{}</span>', shown.tone, loud, icon(shown.icon), word or shown.word
    )


@register.simple_tag
def json_editor() -> SafeString:
    """The attributes of a textarea whose page offers the JSON editor (portal/web/editor.py); none where it was not built."""
    return format_html_join(" ", '{}="{}"', editor.attributes().items())


@register.simple_tag
def ago(at: datetime | None) -> SafeString:
    """How long ago `at` was, ticking in the page (ages.js), with the exact moment on hover."""
    if at is None:
        return SafeString(formats.MISSING)
    return format_html(
        '<time datetime="{}" title="{}" data-age>{}</time>',
        at.isoformat(timespec="seconds"),
        formats.full_moment(at),
        formats.age(clock.now() - at),
    )


@register.simple_tag
def until(at: datetime | None) -> SafeString:
    """How long it is to `at`, ticking down in the page."""
    if at is None:
        return SafeString(formats.MISSING)
    return format_html(
        '<time datetime="{}" title="{}" data-until>{}</time>',
        at.isoformat(timespec="seconds"),
        formats.full_moment(at),
        formats.age(at - clock.now()),
    )


@register.simple_tag
def moment(at: datetime | None, *, seconds: bool = False) -> SafeString:
    """The moment in the reader's zone, with date, zone and UTC on hover."""
    if at is None:
        return SafeString(formats.MISSING)
    today = timezone.localtime(clock.now()).date()
    return format_html(
        '<time datetime="{}" title="{}">{}</time>',
        at.isoformat(timespec="seconds"),
        formats.full_moment(at),
        formats.moment(at, today, seconds=seconds),
    )


@register.filter
def short_id(identifier: UUID | str) -> str:
    """The first 8 characters of an id, for everywhere but its own page."""
    return str(identifier)[:8]


@register.filter
def tone(name: str) -> str:
    """The tone of a state's name."""
    return sign(name).tone


@register.filter
def pretty(value: Any) -> str:
    """A JSON value as a person reads it: strings bare, everything else as indented JSON."""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, indent=1)


@register.filter
def described(field: BoundField) -> BoundField:
    """A form field whose widget names its hint and its errors for screen readers. Use it to render the input."""
    parts = [f"{field.auto_id}_hint"] if field.help_text else []
    parts += [f"{field.auto_id}_error"] if field.errors else []
    attributes = field.field.widget.attrs
    if parts:
        attributes["aria-describedby"] = " ".join(parts)
    if field.errors:
        attributes["aria-invalid"] = "true"
    return field


@register.simple_tag(takes_context=True)
def address(context: Mapping[str, Any], **changes: Any) -> str:
    """The present address's query with some parameters changed; an empty value removes one. Paging starts anew."""
    query = context["request"].GET.copy()
    for name in ("after", "before", "shown", "charts"):
        query.pop(name, None)
    for name, value in changes.items():
        if value in ("", None):
            query.pop(name, None)
        else:
            query[name] = str(value)
    return f"?{query.urlencode()}"
