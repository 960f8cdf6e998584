"""What live pages and monitoring systems hear about health: how everything is, then only what changed."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from math import floor
from typing import Any

from django.utils.translation import gettext as _

from portal.live.core.entries import Entry
from portal.live.topics import Topic
from resilience.health.core.states import State
from resilience.health.figures import available
from resilience.health.models import Component, Outage
from resilience.health.partly import stands
from resilience.health.standing import ComponentHealth, href_of, iso
from resilience.health.system import System, system_of

OF_HEALTH = ("health.", "outage.", "maintenance.", "breaker.", "component.", "probe.")
OF_THE_BACKLOG = ("item.", "lane.", "upstream.")
MOST_NOTICES = 6
MOVED_SHARE, MOVED_MS = 0.25, 5.0
A_MINUTE, MOST_KEPT = timedelta(minutes=1), 500
Row = Mapping[str, Any]
_of_the_day: dict[frozenset[int], tuple[datetime, Mapping[int, float | None]]] = {}


def snapshot(organization_ids: frozenset[int]) -> dict[str, Any]:
    """How these organizations and Breakwater itself are. `features` are named by whoever switches some off; nobody does yet."""
    system = system_of(organization_ids, past=False)
    shares = _shares(organization_ids, system)
    return {
        "status": system.status,
        "score": system.score,
        "components": [_component(one, shares.get(one.component.pk)) for one in system.components],
        "backlog": system.backlog,
        "openBreakers": sum(1 for one in system.components if one.breaker_word == "open"),
        "outages": [_outage(one) for one in system.outages],
        "features": {},
    }


def digest(entries: Sequence[Entry]) -> dict[str, Any]:
    """How often which verb of health there was, and notices; {} when only the backlog moved."""
    newest = sorted((entry for entry in entries if entry.verb.startswith(OF_HEALTH)), key=lambda entry: -entry.id)
    if not newest:
        return {}
    moves: dict[str, int] = {}
    for entry in newest:
        moves[entry.verb] = moves.get(entry.verb, 0) + 1
    return {"moves": moves, "notices": list(_notices(newest))[:MOST_NOTICES]}


def alike(before: Row, after: Row) -> bool:
    """Whether nothing changed that is worth telling: a latency that wavers is not, by itself."""
    if {**before, "latencyMs": None} != {**after, "latencyMs": None}:
        return False
    old, new = before.get("latencyMs"), after.get("latencyMs")  # outages are rows, too
    if old is None or new is None:
        return old is new
    return bool(abs(new - old) <= max(MOVED_MS, MOVED_SHARE * old))


TOPIC = Topic(
    name="health",
    snapshot=snapshot,
    digest=digest,
    verbs=(*OF_HEALTH, *OF_THE_BACKLOG),
    rows=("components", "outages"),
    alike=alike,
    interval=1.0,
    prompt=OF_HEALTH,
    every=15.0,
    shared=True,
)


def _shares(organization_ids: frozenset[int], system: System) -> Mapping[int, float | None]:
    """How much of the last day each component answered; read at most once a minute, since it moves slowly and costs two queries."""
    read_at, shares = _of_the_day.get(organization_ids, (None, {}))
    if read_at is None or not timedelta(0) <= system.at - read_at < A_MINUTE:
        shares = available([one.component for one in system.components], system.probes)
        if len(_of_the_day) >= MOST_KEPT:
            _of_the_day.clear()
        _of_the_day[organization_ids] = system.at, shares
    return shares


def _component(one: ComponentHealth, share: float | None) -> dict[str, Any]:
    organization = one.component.organization
    return {
        "id": one.component.pk,
        "slug": one.component.slug,
        "about": one.component.about,
        "organization": organization.slug if organization else None,
        "state": one.state.value,
        "since": iso(one.since),
        "latencyMs": None if one.last_ms is None else round(one.last_ms, 1),
        "availability": None if share is None else floor(share * 10_000) / 10_000,
        "waiting": one.load.waiting,
        "breaker": one.breaker_word or None,
    }


def _outage(one: Outage) -> dict[str, Any]:
    return {
        "id": one.pk,
        "component": one.component_id,
        "severity": one.severity,
        "beganAt": iso(one.began_at),
        "expectedAt": iso(one.expected_at),
    }


_TONES = {"health.down": "bad", "health.slow": "warn", "health.maintenance": "idle", "health.up": "ok"}


def _notices(newest: Sequence[Entry]) -> Iterator[dict[str, Any]]:
    """One notice for each component that went down, became slow, went into maintenance or came back: what it is now."""
    last = {entry.subject: entry for entry in reversed(newest) if entry.verb.startswith("health.")}
    ids = [int(subject.partition(":")[2]) for subject in last if subject.partition(":")[2].isdigit()]
    known = Component.objects.unscoped().filter(pk__in=ids).select_related("organization") if ids else ()
    found = {f"component:{component.pk}": component for component in known}
    slow = [found[subject].pk for subject, one in last.items() if one.verb == "health.slow" and subject in found]
    active = Outage.objects.unscoped().active().filter(component__in=slow) if slow else ()
    out = {outage.component_id: outage for outage in active}
    for verb, tone in _TONES.items():
        for subject, entry in last.items():
            component, data = found.get(subject), entry.read_data()
            if entry.verb == verb and component is not None and data.get("before") != "none":
                yield {
                    "tone": tone,
                    "text": _sentence(verb, component, str(data.get("reason", ""))[:200], out.get(component.pk)),
                    "href": href_of(component),
                    "about": component.about,
                    "verb": verb,
                    "event": entry.id,
                }


def _sentence(verb: str, component: Component, reason: str, outage: Outage | None) -> str:
    said = {"name": component.name, "reason": reason if reason.endswith((".", "!", "?")) else f"{reason}."}
    if verb == "health.up":
        return _("%(name)s is back.") % said
    if verb == "health.maintenance":
        return _("%(name)s is in maintenance.") % said
    said["is_out"] = stands(State.SLOW if verb == "health.slow" else State.DOWN, outage)
    return (_("%(name)s %(is_out)s: %(reason)s") if reason else _("%(name)s %(is_out)s.")) % said
