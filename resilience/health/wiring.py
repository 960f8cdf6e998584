"""What health registers with the packages below it when Django has started."""

from django.db.models.signals import post_save

from portal.duties import registry as duties
from portal.duties.registry import Duty
from portal.live import topics
from portal.tenancy import sealed
from resilience.health import live, own, tasks
from resilience.health.actions.adopt_upstream import on_save
from resilience.upstreams.models import Upstream


def wire() -> None:
    """Registers the prober, the live topic, and what becomes of a new upstream."""
    sealed.register("health.Probe", "secret")
    post_save.connect(on_save, sender=Upstream, dispatch_uid="health.adopt_upstream")
    topics.register(live.TOPIC)
    own.register()
    duties.register(Duty(own.PROBER, tasks.prober))
