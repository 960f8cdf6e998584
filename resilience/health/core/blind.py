"""Is it them, or is it us? Pure.

When this machine has lost its network, every probe fails at once, and none of these failures says anything about an upstream. A result
that came about while we were blind is kept and marked, and is not judged.
"""

from collections.abc import Mapping
from dataclasses import dataclass

LEAST_HOSTS = 3
"""So many different hosts must be known before all of them failing is taken for our own fault."""
TOGETHER = 5.0
"""Failures of two hosts within so many seconds are at the same time."""


@dataclass(frozen=True, slots=True)
class Sight:
    """When a host was last asked, and whether anything answered. `interval` is how often it is asked."""

    at: float
    reached: bool
    interval: float


def is_suspicious(
    sights: Mapping[str, Sight], host: str, *, now: float, about_to_flip: bool, together: float = TOGETHER
) -> bool:
    """Whether a transport failure of `host` should be held against the outside: another host failed at the same time, or it decides."""
    if about_to_flip:
        return True
    return any(other != host and not sight.reached and now - sight.at <= together for other, sight in sights.items())


def reaches_nothing(sights: Mapping[str, Sight], now: float, least: int = LEAST_HOSTS) -> bool:
    """Whether all hosts, at least three, failed by transport when they were last asked, each within its interval.

    The answer where there is no outside to ask. Hosts that were not asked for longer than twice their interval say nothing.
    """
    fresh = [sight for sight in sights.values() if now - sight.at <= 2 * sight.interval]
    return len(fresh) >= least and not any(sight.reached for sight in fresh)


def name_of(host: str) -> str:
    """The machine of "name:port": many ports of one machine that fail are that machine's fault, not ours."""
    name, colon, port = host.rpartition(":")
    return name if colon and port.isdigit() else host
