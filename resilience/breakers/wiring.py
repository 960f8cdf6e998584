"""What the breakers register with the packages below them when Django has started."""

from resilience.breakers.actions.restart import restart
from resilience.upstreams.standing import register_restart


def wire() -> None:
    """Registers what happens when an upstream is reached in another way."""
    register_restart(restart)
