from django.apps import AppConfig
from django.utils.module_loading import import_string


class BreakersConfig(AppConfig):
    name = "resilience.breakers"
    label = "breakers"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Tells the lower packages what the breakers have for them."""
        import_string("resilience.breakers.wiring.wire")()
