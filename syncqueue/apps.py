from django.apps import AppConfig
from django.utils.module_loading import import_string


class SyncqueueConfig(AppConfig):
    name = "syncqueue"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Tells the lower packages what the queue has for them."""
        import_string("syncqueue.wiring.wire")()
