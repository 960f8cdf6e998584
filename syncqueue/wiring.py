"""What the queue registers with the packages below it when Django has started."""

from django.conf import settings
from django.utils.translation import gettext_lazy as _

from conflicts import delivery, profiles
from portal.duties import registry as duties
from portal.duties.registry import Duty
from portal.live.topics import register_snapshot
from resilience.health.providers import register_calls, register_depths, register_impact, register_load
from resilience.upstreams.adapters import register_adapter
from resilience.upstreams.standing import register_inflow, register_standing
from syncqueue import burden, kinds, live, standing, tasks
from syncqueue.adapters import registry
from syncqueue.settling import Queue

TITLES = {"json-http": _("JSON over HTTP, with entity tags")}
EXAMPLE_ROUTES = {"plan": {"path": "/plans/{id}"}}


def wire() -> None:
    """Registers adapters, the standing of upstreams, the duties, the live topic, and what conflicts and health need to know."""
    for number in range(settings.BREAKWATER_PUMPS):
        duties.register(Duty(f"pump-{number}", tasks.pump))
    duties.register(Duty("keeper", tasks.keeper))
    for name in registry.names():
        register_adapter(name, TITLES.get(name, name), registry.get(name).validate, EXAMPLE_ROUTES)
    register_standing(standing.standings)
    register_inflow(standing.inflow)
    register_snapshot(live.TOPIC, live.snapshot, digest=live.digest, verbs=live.VERBS)
    register_load(burden.load)
    register_impact("queue", burden.impact)
    register_depths(burden.depths)
    register_calls(burden.calls)
    delivery.register(Queue())
    profiles.register(_profile)


def _profile(name: str) -> profiles.Profile | None:
    kind = kinds.find(name)
    if kind is None:
        return None
    return profiles.Profile(kind.name, kind.title, kind.merge, kind.document_faults, kind.known_values)
