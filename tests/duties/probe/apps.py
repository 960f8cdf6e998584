"""An app that gives the tests' real workers a duty to run."""

from django.apps import AppConfig

from portal.duties import registry
from portal.duties.context import Context
from portal.duties.registry import Duty


def work(context: Context) -> None:
    """Does nothing for as long as it may."""
    while context.wait(0.05):
        pass


class ProbeConfig(AppConfig):
    name = "tests.duties.probe"
    label = "probe"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Registers two duties."""
        registry.register(Duty("probe-0", work))
        registry.register(Duty("probe-1", work))
