"""What the breakers register with the packages below them when Django has started."""

from portal.live.topics import register_snapshot
from resilience.breakers import live
from resilience.breakers.actions.restart import restart
from resilience.breakers.actions.test_now import test_now
from resilience.upstreams.standing import register_restart, register_test


def wire() -> None:
    """Registers what happens when an upstream is reached in another way or tested by a person, and the live topic."""
    register_restart(restart)
    register_test(test_now)
    register_snapshot(live.TOPIC, live.snapshot, digest=live.digest, verbs=live.VERBS)
