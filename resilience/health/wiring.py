"""What health registers with the packages below it when Django has started."""

from django.db.models.signals import post_save

from resilience.health.actions.adopt_upstream import on_save
from resilience.upstreams.models import Upstream


def wire() -> None:
    """Registers the prober, the live topic, and what becomes of a new upstream."""
    post_save.connect(on_save, sender=Upstream, dispatch_uid="health.adopt_upstream")
