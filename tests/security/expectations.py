"""Who may do what, for every address of the portal: the one table that the walk holds the portal to.

A new address or method stands here, or the walk fails. `{name}` in a value is filled from the world of the walk.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Any


class For(Enum):
    """Who gets in. A stranger belongs to another organization; a team mate is a viewer of the same one."""

    EVERYBODY = "also without signing in"
    SIGNED_IN = "everybody who is signed in, each within their own organizations"
    MEMBERS = "members of the organization; a stranger finds nothing"
    RIGHT = "members with the right; a team mate without it is refused, a stranger finds nothing"
    NAMED = "as before, where the body names the organization: a stranger is told that there is none of this name"
    RIGHT_SOMEWHERE = (
        "who has the right in any organization; a team mate without it is refused, a stranger has an own one"
    )
    KEYED = "the operator's key alone; this portal has none, so it is closed for everybody"


@dataclass(frozen=True, slots=True)
class Case:
    """One request: what is sent, and for whom it is."""

    method: str
    who: For
    body: Mapping[str, Any] = field(default_factory=dict)
    where: Mapping[str, str] = field(default_factory=dict)
    query: str = ""


def get(who: For, **kwargs: Any) -> Case:
    return Case("GET", who, **kwargs)


def post(who: For, body: Mapping[str, Any] | None = None, **kwargs: Any) -> Case:
    return Case("POST", who, body or {}, **kwargs)


WHY = {"reason": "a test"}
CHANGE = {
    "upstream": "plans-api",
    "entity_type": "plan",
    "entity_id": "p-9",
    "kind": "plan_edit",
    "operation": "update",
    "payload": {"title": "New"},
    "organization": "tidewater",
}
NEW_UPSTREAM = {
    "slug": "other-api",
    "name": "Other",
    "address": "http://127.0.0.1:9/v1",
    "routes": {"plan": {"path": "/p/{id}"}},
}
NEW_PROBE = {"component": "plans-api", "name": "port", "kind": "tcp", "address": "127.0.0.1:9"}
NEW_OUTAGE = {"component": "plans-api", "severity": "minor"}
NEW_MAINTENANCE = {"title": "Backup", "schedule": "0 2 * * 1", "minutes": 90}
OF_TIDEWATER = {"organization": "tidewater"}
PLAN = {"name": "plan_edit"}
HTTP = {"template": "http"}
RULES = {"do": "save", "rules": "{{}}", **OF_TIDEWATER}
FORCED = {"why": "other", "reason": "a test", "until": "60"}
RESOLUTION = {"digest": "{digest}", "document": {"title": "New"}}

EXPECTED: dict[str, list[Case]] = {
    # for machines and for everybody
    "livez": [get(For.EVERYBODY)],
    "readyz": [get(For.EVERYBODY)],
    "metrics": [get(For.KEYED)],
    "api/health": [get(For.EVERYBODY)],
    "api/diagnostics/metrics": [get(For.SIGNED_IN)],
    "api/schema": [get(For.EVERYBODY)],
    "api/docs": [get(For.EVERYBODY)],
    "api/docs/problems": [get(For.EVERYBODY)],
    "login": [get(For.EVERYBODY), post(For.EVERYBODY, {"username": "alice", "password": "wrong"})],
    "logout": [post(For.EVERYBODY)],
    # one's own
    "profile": [get(For.SIGNED_IN), post(For.SIGNED_IN, {"theme": "dark"})],
    "profile/password": [post(For.SIGNED_IN, {"old": "a", "new": "b", "again": "c"})],
    "api/v1/me": [get(For.SIGNED_IN)],
    # organizations
    "settings/members": [get(For.SIGNED_IN), post(For.RIGHT_SOMEWHERE, {"username": "bob", "role": "10"})],
    "settings/members/<int:membership_id>/role": [post(For.RIGHT, {"role": "20"})],
    "settings/members/<int:membership_id>/remove": [get(For.RIGHT), post(For.RIGHT, WHY)],
    "settings/tokens": [get(For.RIGHT_SOMEWHERE), post(For.RIGHT_SOMEWHERE, {"name": "x", "scopes": "read"})],
    "settings/tokens/<int:token_id>/revoke": [get(For.RIGHT), post(For.RIGHT, WHY)],
    "api/v1/organizations": [get(For.SIGNED_IN)],
    "api/v1/projects": [get(For.SIGNED_IN), post(For.NAMED, {"slug": "new", "name": "New", **OF_TIDEWATER})],
    "api/v1/members": [get(For.SIGNED_IN), post(For.NAMED, {"username": "charlie", "role": "viewer", **OF_TIDEWATER})],
    "api/v1/members/<int:membership_id>": [
        get(For.MEMBERS),
        Case("PATCH", For.RIGHT, {"role": "operator"}),
        Case("DELETE", For.RIGHT),
    ],
    "api/v1/tokens": [get(For.RIGHT_SOMEWHERE), post(For.NAMED, {"name": "x", "scopes": ["read"], **OF_TIDEWATER})],
    "api/v1/tokens/<int:token_id>": [get(For.RIGHT), Case("DELETE", For.RIGHT)],
    # the policy of the whole portal
    "settings/policy": [get(For.SIGNED_IN)],
    "api/v1/policy": [get(For.SIGNED_IN)],
    # upstreams
    "settings/upstreams": [get(For.SIGNED_IN)],
    "settings/upstreams/add": [get(For.RIGHT_SOMEWHERE), post(For.RIGHT_SOMEWHERE, {"name": "x"})],
    "settings/upstreams/<int:upstream_id>": [get(For.MEMBERS), post(For.RIGHT, {"name": "x"})],
    "settings/upstreams/<int:upstream_id>/figures": [
        get(For.MEMBERS),
        post(For.RIGHT, {"circuit_breaker.cooldown_ms": "5000"}),
    ],
    "settings/upstreams/<int:upstream_id>/test": [post(For.RIGHT)],
    "settings/upstreams/<int:upstream_id>/pause": [post(For.RIGHT, WHY)],
    "settings/upstreams/<int:upstream_id>/resume": [post(For.RIGHT)],
    "api/v1/upstreams": [get(For.SIGNED_IN), post(For.NAMED, NEW_UPSTREAM | OF_TIDEWATER)],
    "api/v1/upstreams/<slug:slug>": [get(For.MEMBERS), Case("PATCH", For.RIGHT, {"name": "Other"})],
    "api/v1/upstreams/<slug:slug>/test": [post(For.RIGHT)],
    "api/v1/upstreams/<slug:slug>/pause": [post(For.RIGHT, WHY)],
    "api/v1/upstreams/<slug:slug>/resume": [post(For.RIGHT)],
    # breakers
    "resilience/breakers": [get(For.SIGNED_IN)],
    "resilience/breakers/reset-all": [get(For.SIGNED_IN), post(For.RIGHT_SOMEWHERE)],
    "resilience/breakers/<int:upstream_id>": [get(For.MEMBERS)],
    "resilience/breakers/<int:upstream_id>/transitions": [get(For.MEMBERS)],
    "resilience/breakers/<int:upstream_id>/test": [post(For.RIGHT)],
    "resilience/breakers/<int:upstream_id>/reset": [post(For.RIGHT)],
    "resilience/breakers/<int:upstream_id>/force-open": [get(For.RIGHT), post(For.RIGHT, FORCED)],
    "resilience/breakers/<int:upstream_id>/force-closed": [get(For.RIGHT), post(For.RIGHT, FORCED)],
    "api/v1/breakers": [get(For.SIGNED_IN)],
    "api/v1/breakers/reset-all": [post(For.RIGHT_SOMEWHERE)],
    "api/v1/breakers/<slug:slug>": [get(For.MEMBERS)],
    "api/v1/breakers/<slug:slug>/transitions": [get(For.MEMBERS)],
    "api/v1/breakers/<slug:slug>/test": [post(For.RIGHT)],
    "api/v1/breakers/<slug:slug>/reset": [post(For.RIGHT)],
    "api/v1/breakers/<slug:slug>/force-open": [post(For.RIGHT, WHY)],
    "api/v1/breakers/<slug:slug>/force-closed": [post(For.RIGHT, WHY)],
    "api/v1/breakers/<slug:slug>/disable": [post(For.RIGHT, WHY)],
    # health
    "settings/health": [get(For.SIGNED_IN)],
    "settings/health/minutes": [get(For.SIGNED_IN, query="of=/settings/health/breakwater")],
    "settings/health/formula": [get(For.SIGNED_IN)],
    "settings/health/check-all": [post(For.RIGHT_SOMEWHERE)],
    "settings/health/breakwater": [get(For.SIGNED_IN)],
    "settings/health/breakwater/check": [post(For.RIGHT_SOMEWHERE)],
    "settings/health/breakwater/<slug:what>.csv": [get(For.SIGNED_IN)],
    "settings/health/<slug:organization>/<slug:slug>": [get(For.MEMBERS)],
    "settings/health/<slug:organization>/<slug:slug>/check": [post(For.RIGHT)],
    "settings/health/<slug:organization>/<slug:slug>/<slug:what>.csv": [get(For.MEMBERS)],
    "settings/health/add": [get(For.RIGHT_SOMEWHERE), post(For.RIGHT_SOMEWHERE, {"name": "x"})],
    "settings/health/components/<int:component_id>/edit": [get(For.RIGHT), post(For.RIGHT, {"importance": "high"})],
    "settings/health/components/<int:component_id>/remove": [get(For.RIGHT), post(For.RIGHT, {"typed": "x"})],
    "settings/health/components/<int:component_id>/probes/add": [get(For.RIGHT)],
    "settings/health/components/<int:component_id>/probes/add/<slug:template>": [
        get(For.RIGHT, where=HTTP),
        post(For.RIGHT, {"name": "x"}, where=HTTP),
    ],
    "settings/health/probes/<int:probe_id>/edit": [get(For.RIGHT), post(For.RIGHT, {"name": "x"})],
    "settings/health/probes/<int:probe_id>/check": [post(For.RIGHT)],
    "settings/health/probes/<int:probe_id>/pause": [post(For.RIGHT)],
    "settings/health/probes/<int:probe_id>/resume": [post(For.RIGHT)],
    "settings/health/probes/<int:probe_id>/remove": [get(For.RIGHT), post(For.RIGHT, {"typed": "x"})],
    "api/v1/health/components": [
        get(For.SIGNED_IN),
        post(For.NAMED, {"slug": "store", "name": "Store", **OF_TIDEWATER}),
    ],
    "api/v1/health/components/<int:component_id>": [
        get(For.MEMBERS),
        Case("PATCH", For.RIGHT, {"importance": "high"}),
        Case("DELETE", For.RIGHT),
    ],
    "api/v1/health/probes": [get(For.SIGNED_IN), post(For.NAMED, NEW_PROBE | OF_TIDEWATER)],
    "api/v1/health/probes/<int:probe_id>": [
        get(For.MEMBERS),
        Case("PATCH", For.RIGHT, {"interval": 60}),
        Case("DELETE", For.RIGHT),
    ],
    "api/v1/health/probes/<int:probe_id>/check": [post(For.RIGHT)],
    "api/v1/health/probe-templates": [get(For.SIGNED_IN)],
    # outages and maintenance
    "settings/health/outages": [get(For.SIGNED_IN)],
    "settings/health/outages.csv": [get(For.SIGNED_IN)],
    "settings/health/outages/record": [
        get(For.RIGHT_SOMEWHERE),
        post(For.RIGHT_SOMEWHERE, {"component": "{component_id}", "severity": "minor"}),
    ],
    "settings/health/outages/<int:outage_id>": [get(For.MEMBERS)],
    "settings/health/outages/<int:outage_id>/note": [post(For.RIGHT, {"text": "a test"})],
    "settings/health/outages/<int:outage_id>/expect": [post(For.RIGHT, {"text": "a test"})],
    "settings/health/outages/<int:outage_id>/close": [get(For.RIGHT), post(For.RIGHT, WHY)],
    "settings/maintenance": [get(For.SIGNED_IN)],
    "settings/maintenance/plan": [get(For.RIGHT_SOMEWHERE), post(For.RIGHT_SOMEWHERE, {"title": "Backup"})],
    "settings/maintenance/time-zone": [
        post(For.RIGHT, {"organization": "{tidewater_id}", "time_zone": "Europe/Berlin"})
    ],
    "settings/maintenance/<int:maintenance_id>/call-off": [get(For.RIGHT), post(For.RIGHT, WHY)],
    "api/v1/health/outages": [get(For.SIGNED_IN), post(For.NAMED, NEW_OUTAGE | OF_TIDEWATER)],
    "api/v1/health/outages/<int:outage_id>": [get(For.MEMBERS)],
    "api/v1/health/outages/<int:outage_id>/notes": [get(For.MEMBERS), post(For.RIGHT, {"text": "a test"})],
    "api/v1/health/outages/<int:outage_id>/close": [post(For.RIGHT, WHY)],
    "api/v1/health/outages/<int:outage_id>/expect": [post(For.RIGHT, {"text": "a test"})],
    "api/v1/health/maintenance": [get(For.SIGNED_IN), post(For.NAMED, NEW_MAINTENANCE | OF_TIDEWATER)],
    "api/v1/health/maintenance/time-zone": [Case("PUT", For.NAMED, {"time_zone": "Europe/Berlin", **OF_TIDEWATER})],
    "api/v1/health/maintenance/<int:maintenance_id>": [get(For.MEMBERS)],
    "api/v1/health/maintenance/<int:maintenance_id>/call-off": [post(For.RIGHT, WHY)],
    # the queue
    "": [get(For.SIGNED_IN)],
    "resilience/queue": [get(For.SIGNED_IN)],
    "resilience/queue/act": [post(For.SIGNED_IN, {"verb": "cancel", "id": "{item_id}", **WHY})],
    "resilience/queue/retry-failed": [post(For.RIGHT_SOMEWHERE)],
    "resilience/queue/<uuid:item_id>": [get(For.MEMBERS)],
    "resilience/queue/<uuid:item_id>/<slug:verb>": [
        post(For.RIGHT, WHY, where={"verb": verb}) for verb in ("retry", "cancel", "step-over", "delete")
    ],
    "settings/kinds": [get(For.SIGNED_IN)],
    "settings/kinds/<slug:name>": [get(For.SIGNED_IN, where=PLAN), post(For.NAMED, RULES, where=PLAN)],
    "settings/kinds/<slug:name>/try": [post(For.SIGNED_IN, {"rules": "{{}}"}, where=PLAN)],
    "api/v1/queue/items": [get(For.SIGNED_IN), post(For.NAMED, CHANGE)],
    "api/v1/queue/items/<uuid:item_id>": [get(For.MEMBERS), Case("DELETE", For.RIGHT, WHY, query="reason=a%20test")],
    "api/v1/queue/items/<uuid:item_id>/retry": [post(For.RIGHT, WHY)],
    "api/v1/queue/items/<uuid:item_id>/cancel": [post(For.RIGHT, WHY)],
    "api/v1/queue/items/<uuid:item_id>/step-over": [post(For.RIGHT, WHY)],
    "api/v1/queue/retry-failed": [post(For.RIGHT_SOMEWHERE, WHY)],
    "api/v1/queue/stats": [get(For.SIGNED_IN)],
    # conflicts
    "api/v1/conflicts": [get(For.SIGNED_IN)],
    "api/v1/conflicts/<uuid:conflict_id>": [get(For.MEMBERS)],
    "api/v1/conflicts/<uuid:conflict_id>/preview": [post(For.MEMBERS, {"choices": {}})],
    "api/v1/conflicts/<uuid:conflict_id>/resolve": [post(For.RIGHT, RESOLUTION)],
    "api/v1/conflicts/<uuid:conflict_id>/undo": [post(For.RIGHT)],
    # projects and plans
    "projects": [get(For.SIGNED_IN)],
    "projects/add": [get(For.RIGHT_SOMEWHERE), post(For.RIGHT_SOMEWHERE, {"slug": "new", "name": "New"})],
    "projects/<int:project_id>": [get(For.MEMBERS)],
    "projects/<int:project_id>/edit": [get(For.RIGHT), post(For.RIGHT, {"name": "New", "revision": "1"})],
    "projects/<int:project_id>/plans/add": [
        get(For.RIGHT),
        post(For.RIGHT, {"how": "new", "title": "New", "upstream": "{upstream_id}"}),
    ],
    "projects/<int:project_id>/export.json": [get(For.MEMBERS)],
    "projects/<int:project_id>/export.md": [get(For.MEMBERS)],
    "projects/plans/<int:plan_id>": [get(For.MEMBERS)],
    "projects/plans/<int:plan_id>/edit": [post(For.RIGHT, {"what": "comment", "text": "Hello"})],
    "projects/plans/<int:plan_id>/refresh": [post(For.MEMBERS)],
    "projects/plans/<int:plan_id>/move": [post(For.RIGHT, {"project": "{project_id}"})],
    "projects/plans/<int:plan_id>/export.json": [get(For.MEMBERS)],
    "projects/plans/<int:plan_id>/export.md": [get(For.MEMBERS)],
    "api/v1/projects/<int:project_id>": [get(For.MEMBERS)],
    "api/v1/plans": [get(For.SIGNED_IN)],
    "api/v1/plans/<int:plan_id>": [get(For.MEMBERS)],
    "conflicts": [get(For.SIGNED_IN)],
    "conflicts/of/<uuid:conflict_item>": [get(For.MEMBERS)],
    "conflicts/<uuid:conflict_id>": [get(For.MEMBERS), post(For.RIGHT, {"do": "remote", "digest": "{digest}"})],
    "conflicts/<uuid:conflict_id>/undo": [post(For.RIGHT)],
    "conflicts/<uuid:conflict_id>/documents/<slug:side>": [get(For.MEMBERS, where={"side": "remote"})],
    # the log
    "audit": [get(For.SIGNED_IN)],
    "api/v1/events": [get(For.SIGNED_IN)],
}
