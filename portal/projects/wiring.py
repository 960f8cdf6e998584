"""What projects register with the packages below them when Django has started."""

from portal.projects.impact import impact
from resilience.health.providers import register_impact


def wire() -> None:
    """Registers what an outage means for plans."""
    register_impact("projects", impact)
