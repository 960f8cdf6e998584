"""The kinds of probes by name."""

from collections.abc import Mapping, Sequence
from typing import Any

from django.utils.translation import gettext as _

from portal.kit.errors import Fault
from resilience.health.targets.base import Target
from resilience.health.targets.dns import Dns
from resilience.health.targets.function import Function
from resilience.health.targets.http import Http
from resilience.health.targets.local import Disk, Memory
from resilience.health.targets.postgresql import Postgresql
from resilience.health.targets.redis import Redis
from resilience.health.targets.tcp import Tcp
from resilience.health.targets.tls import Tls

_TARGETS: dict[str, Target] = {
    "http": Http(),
    "tcp": Tcp(),
    "dns": Dns(),
    "postgresql": Postgresql(),
    "redis": Redis(),
    "tls": Tls(),
    "disk": Disk(),
    "memory": Memory(),
    "function": Function(),
}


def kinds() -> list[str]:
    """The kinds that there are."""
    return list(_TARGETS)


def target(kind: str) -> Target | None:
    """What asks probes of this kind; None when there is no such kind."""
    return _TARGETS.get(kind)


def faults(kind: str, address: str, options: Mapping[str, Any], secret: Mapping[str, Any]) -> Sequence[Fault]:
    """What is wrong with a probe as people describe it, by JSON Pointer; empty when it can be asked."""
    known = target(kind)
    if known is None:
        return [Fault("/kind", _("The kind is one of %s.") % ", ".join(_TARGETS))]
    wrong: list[Fault] = [] if isinstance(address, str) else [Fault("/address", _("This is a text."))]
    wrong += [] if isinstance(options, Mapping) else [Fault("/options", _("Options are an object."))]
    wrong += [] if isinstance(secret, Mapping) else [Fault("/secret", _("Secrets are an object."))]
    return wrong or known.faults(address, options, secret)
