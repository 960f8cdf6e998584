"""What Breakwater says of itself on the page of health: a line for each of its own probes."""

import json
from collections.abc import Mapping
from contextlib import suppress
from datetime import datetime
from typing import Any

from django.db import connection
from django.utils.translation import gettext as _

from portal.kit import clock
from portal.web.formats import GAP, number
from resilience.health import words
from resilience.health.core.states import State
from resilience.health.page import Fact
from resilience.health.standing import ComponentHealth, ProbeRow

TONES = {State.DOWN.value: "bad", State.SLOW.value: "warn"}
VENDORS = {"sqlite": "SQLite", "postgresql": "PostgreSQL"}


def facts(one: ComponentHealth | None) -> list[Fact]:
    """A line for each probe of Breakwater itself, in their order; nothing is told that is too old to be true."""
    now = clock.now()
    return [_fact(probe, now) for probe in one.probes] if one is not None else []


def _fact(probe: ProbeRow, now: datetime) -> Fact:
    if probe.late(now):
        said = _("no data since %s") % words.moment_of(probe.last_at) if probe.last_at else _("not asked yet")
        return Fact(_name(probe.name), said, "idle")
    if not probe.last_ok:
        return Fact(_name(probe.name), words.shortened(probe.error or _("not well"), 80), "bad")
    return Fact(_name(probe.name), _told(probe, _metadata(probe)), TONES.get(probe.state, ""))


def _name(name: str) -> str:
    known = {
        "database": _("Database"),
        "workers": _("Workers"),
        "disk": _("Disk"),
        "memory": _("Memory"),
        "outside": _("Connection"),
    }
    return known.get(name, name)


def _metadata(probe: ProbeRow) -> Mapping[str, Any]:
    with suppress(ValueError):
        said = json.loads(probe.metadata or "{}")
        return said if isinstance(said, dict) else {}
    return {}


def _told(probe: ProbeRow, said: Mapping[str, Any]) -> str:
    took = words.latency(probe.last_ms)
    match probe.name:
        case "database":
            return ", ".join(part for part in (took, VENDORS.get(connection.vendor, "")) if part)
        case "workers":
            return _("%(n)s of %(of)s duties held") % {"n": said.get("running", "–"), "of": said.get("duties", "–")}
        case "outside":
            return _("%s to the outside test") % took
    if isinstance(free := said.get("free_percent"), int | float):
        return _("%s free") % f"{number(free)}{GAP}%"
    return took
