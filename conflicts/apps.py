from django.apps import AppConfig
from django.utils.module_loading import import_string


class ConflictsConfig(AppConfig):
    name = "conflicts"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Tells the lower packages what conflicts have for them."""
        import_string("conflicts.wiring.wire")()
