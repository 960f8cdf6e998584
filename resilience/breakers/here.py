"""The breakers of a process that delivers nothing by itself: pages, REST and commands that ask an upstream something."""

from functools import cache

from resilience.breakers.figures import figures_of
from resilience.breakers.runtime import Runtime
from resilience.breakers.shared import SharedBreaker
from resilience.upstreams.models import Upstream


@cache
def runtime() -> Runtime:
    """This process's, without a thread: each breaker is read when it is asked for."""
    return Runtime()


def breaker_of(upstream: Upstream) -> SharedBreaker:
    """The breaker of an upstream as it stands now; costs a query."""
    return runtime().of(upstream.pk, upstream.slug, figures_of(upstream))
