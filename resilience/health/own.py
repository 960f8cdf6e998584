"""Breakwater itself as a component, with the probes that it is born with. Every member may read it, nobody may change it."""

import asyncio
from collections.abc import Mapping
from typing import Any

from django.conf import settings
from django.db import connection, transaction

from portal.duties import health
from portal.duties import registry as duties
from resilience.health import store
from resilience.health.core.states import Importance
from resilience.health.models import Component, Probe
from resilience.health.outside import reaches
from resilience.health.store import Fence
from resilience.health.targets.functions import register_function

SLUG, NAME = "breakwater", "Breakwater itself"
PROBER = "prober"


def register() -> None:
    """Lets probes ask after the database, the workers and the way out."""
    register_function("breakwater-database", ask_database)
    register_function("breakwater-workers", ask_workers)
    register_function("breakwater-outside", ask_outside)


def ask_database() -> None:
    """One query; how long it takes is the answer."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")
        cursor.fetchone()


def ask_workers() -> Mapping[str, Any]:
    """Whether somebody runs each duty. The prober asks, so it is running itself."""
    wanted = [name for name in duties.names() if name != PROBER]
    faults = health.faults(wanted)
    said = "; ".join(f"{name}: {why}" for name, why in sorted(faults.items()))
    return {"ok": not faults, "error": said, "duties": len(wanted), "running": len(wanted) - len(faults)}


async def ask_outside() -> Mapping[str, Any]:
    """Whether the outside test's address can be reached."""
    place = settings.HEALTH["outside_test"]
    reached = await asyncio.shield(reaches(place))
    return {"ok": reached, "error": "" if reached else f"{place} cannot be reached."}


def ensure(fence: Fence | None = None) -> None:
    """Makes the component and its probes where they are missing, and switches the outside test on or off as it is configured."""
    with transaction.atomic(), connection.cursor() as cursor:
        if fence is not None and not store.is_held(cursor, fence):
            return
        mine = Component.objects.unscoped().filter(organization__isnull=True, slug=SLUG).first()
        if mine is None:
            mine = Component.objects.create(slug=SLUG, name=NAME, importance=Importance.HIGH.value)
        elif mine.name != NAME:
            mine.name = NAME
            mine.save(update_fields=["name"])
        known = {probe.name: probe for probe in Probe.objects.unscoped().filter(component=mine)}
        for name, said in _wanted().items():
            _ensure_probe(mine, known.get(name), name, said)


def _wanted() -> dict[str, dict[str, Any]]:
    return {
        "database": {
            "kind": "function",
            "address": "breakwater-database",
            "interval": 10.0,
            "timeout": 5.0,
            "slow_after_ms": 500,
        },
        "disk": {"kind": "disk", "address": "", "interval": 60.0},  # members need not know where it lies
        "memory": {"kind": "memory", "address": "", "interval": 30.0},
        "workers": {"kind": "function", "address": "breakwater-workers", "interval": 10.0, "timeout": 5.0},
        "outside": {
            "kind": "function",
            "address": "breakwater-outside",
            "interval": 15.0,
            "timeout": 5.0,
            "enabled": bool(settings.HEALTH["outside_test"]),
        },
    }


def _ensure_probe(mine: Component, probe: Probe | None, name: str, said: Mapping[str, Any]) -> None:
    if probe is None:
        if said.get("enabled", True):
            Probe.objects.create(component=mine, name=name, **said)
        return
    changed = [key for key, value in said.items() if getattr(probe, key) != value]
    if changed:
        for key in changed:
            setattr(probe, key, said[key])
        probe.revision += 1
        probe.save(update_fields=[*changed, "revision"])
