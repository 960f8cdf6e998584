"""What is wrong at present, in sentences, the worst first."""

from collections.abc import Iterator, Mapping

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from portal.monitoring.figures import Followed, Storage
from portal.web.formats import age, number, percent
from resilience.health.core.states import State
from resilience.health.partly import stands
from resilience.health.standing import ComponentHealth
from resilience.health.system import System

MOST = 50
BACKLOG = 100
OLDEST = 24 * 3_600.0
LAG = 300.0
DISK = 0.1
"""From here on it is an issue; docs/monitoring/prometheus-rules.yml alerts at the same figures."""


def issues(system: System, followed: Mapping[int, Followed], storage: Storage, *, several: bool) -> list[str]:
    """At most 50 sentences. With `several` organizations a component is named with its own."""
    found = [
        *_portal(system.unrun, storage),
        *_components(system, several=several),
        *_queue(system),
        *_followed(followed),
    ]
    rest = len(found) - MOST
    if rest <= 0:
        return found
    more = ngettext("%(n)s more is wrong.", "%(n)s more are wrong.", rest + 1) % {"n": number(rest + 1)}
    return [*found[: MOST - 1], more]


def _portal(unrun: Mapping[str, str], storage: Storage) -> Iterator[str]:
    for part, what in unrun.items():
        yield _("Breakwater itself: %(part)s: %(what)s.") % {"part": part, "what": what.rstrip(".")}
    if storage.free_share < DISK:
        yield _("The disk is nearly full: %s is free.") % percent(storage.free_share)


def _components(system: System, *, several: bool) -> Iterator[str]:
    for one in system.components:
        name = _name(one, several=several)
        if one.state in (State.DOWN, State.SLOW):
            said = {"name": name, "is_out": stands(one.state, one.outage), "reason": one.reason.rstrip(".")}
            yield (_("%(name)s %(is_out)s. %(reason)s.") if one.reason else _("%(name)s %(is_out)s.")) % said
        elif one.breaker is not None and one.breaker.out and not one.planned:
            yield _("The breaker of %(name)s is open: %(reason)s.") % {
                "name": name,
                "reason": (one.breaker.reason or one.breaker.forced_reason or _("nobody said why")).rstrip("."),
            }


def _queue(system: System) -> Iterator[str]:
    waiting = system.backlog
    oldest = min((one.load.oldest_at for one in system.components if one.load.oldest_at), default=None)
    wait = (system.at - oldest).total_seconds() if oldest else 0.0
    if waiting > BACKLOG:
        yield ngettext(
            "%(n)s change waits, the oldest for %(age)s.", "%(n)s changes wait, the oldest for %(age)s.", waiting
        ) % {"n": number(waiting), "age": age(wait)}
    elif wait > OLDEST:
        yield _("A change has been waiting for %(age)s.") % {"age": age(wait)}
    failed = sum(one.load.failed for one in system.components)
    if failed:
        yield ngettext("%(n)s change failed for good.", "%(n)s changes failed for good.", failed) % {
            "n": number(failed)
        }
    conflicts = sum(one.load.conflicts for one in system.components)
    if conflicts:
        yield ngettext("%(n)s conflict waits for a decision.", "%(n)s conflicts wait for a decision.", conflicts) % {
            "n": number(conflicts)
        }
    if system.late:
        yield ngettext("%(n)s probe has not run for long.", "%(n)s probes have not run for long.", system.late) % {
            "n": number(system.late)
        }


def _followed(followed: Mapping[int, Followed]) -> Iterator[str]:
    stuck = sum(one.stuck for one in followed.values())
    if stuck:
        yield ngettext("%(n)s assignment is stuck.", "%(n)s assignments are stuck.", stuck) % {"n": number(stuck)}
    lag = max((one.lag for one in followed.values()), default=0.0)
    if lag > LAG:
        yield _("Analytics events come in late: the oldest has been waiting for %(age)s.") % {"age": age(lag)}


def _name(one: ComponentHealth, *, several: bool) -> str:
    organization = one.component.organization
    return f"{one.component.name} ({organization.name})" if several and organization else one.component.name
