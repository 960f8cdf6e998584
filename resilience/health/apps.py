from django.apps import AppConfig
from django.utils.module_loading import import_string


class HealthConfig(AppConfig):
    name = "resilience.health"
    label = "health"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Tells the lower packages what health has for them."""
        import_string("resilience.health.wiring.wire")()
