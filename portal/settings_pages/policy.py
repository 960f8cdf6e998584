"""The page of the policy: what is in force, from where, and what is wrong with the file. It is changed in the file alone."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET

from portal.kit.masking import mask_text
from portal.policy import Figure, Override, State, overrides_for, state
from portal.policy.core.keys import SECTIONS, Section
from portal.policy.core.values import SHARE
from portal.settings_pages.reading import chosen_of
from portal.web import formats


@dataclass(frozen=True, slots=True)
class Row:
    """One key as the page shows it: its value in words, the same as a length of time, and the upstreams that override it."""

    figure: Figure
    value: str
    aside: str
    endpoints: list[tuple[str, str]]
    overrides: list[Override]


@dataclass(frozen=True, slots=True)
class Part:
    """One section with its keys."""

    section: Section
    rows: list[Row]
    overridden: bool


@never_cache
@require_GET
def policy(request: HttpRequest) -> HttpResponse:
    """The policy after a look at the file now. It holds for all organizations, so that everybody who is signed in reads it."""
    now = state()
    context: dict[str, Any] = {
        "state": now,
        "located": [fault for fault in now.faults if fault.line],
        "parts": parts(now, overrides_for(chosen_of(request))),
    }
    return render(request, "settings_pages/policy.html", context)


def parts(now: State, overrides: Mapping[str, list[Override]]) -> list[Part]:
    """Each section in the order of the file, with who overrides its keys."""
    found = []
    for section in SECTIONS:
        rows = [_row(figure, overrides) for figure in now.policy.explain() if figure.section == section.name]
        found.append(Part(section, rows, any(row.overrides for row in rows)))
    return found


def masked(figure: Figure) -> Any:
    """The value of a key as everybody may see it: an endpoint's address shows no password."""
    if isinstance(figure.value, Mapping):
        return {name: mask_text(address) for name, address in figure.value.items()}
    return figure.value


def _row(figure: Figure, overrides: Mapping[str, list[Override]]) -> Row:
    value = masked(figure)
    endpoints = list(value.items()) if isinstance(value, Mapping) else []
    return Row(figure, _words(value, figure.unit), _aside(value, figure.unit), endpoints, overrides.get(figure.key, []))


def _words(value: Any, unit: str) -> str:
    """A value as people read it."""
    match value:
        case None | False:
            return _("off")
        case True:
            return _("on")
        case int() | float():
            places = 0 if value == int(value) else 3
            shown = formats.number(value, places)
            return f"{shown.rstrip('0') if places else shown}{formats.GAP}{unit}".rstrip()
        case list():
            return ", ".join(value) or _("none")
        case _:
            return value if isinstance(value, str) else "" if value else _("none")


def _aside(value: Any, unit: str) -> str:
    """Milliseconds in the units that people count in, where these are others; a share in percent."""
    if value is None or unit not in {"ms", SHARE}:
        return ""
    if unit == SHARE:
        return formats.percent(value)
    shown = formats.duration(value / 1_000)
    return "" if shown == _words(value, unit) else shown
