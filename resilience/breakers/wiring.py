"""What the breakers register with the packages below them when Django has started."""

from portal.live.topics import register_snapshot
from portal.policy import register_overrides
from resilience.breakers import live, own
from resilience.breakers.actions.restart import restart
from resilience.breakers.actions.test_now import test_now
from resilience.upstreams.figures import register_together
from resilience.upstreams.standing import register_restart, register_test


def wire() -> None:
    """Registers what happens when an upstream is reached in another way or tested by a person, the live topic, and
    what holds for upstreams' own figures."""
    register_restart(restart)
    register_test(test_now)
    register_together(own.together)
    register_overrides(own.overrides)
    register_snapshot(live.TOPIC, live.snapshot, digest=live.digest, verbs=live.VERBS)
