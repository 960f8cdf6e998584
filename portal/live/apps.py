from django.apps import AppConfig

from portal.live import audit
from portal.live.topics import register_snapshot


class LiveConfig(AppConfig):
    name = "portal.live"
    label = "live"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Offers the log itself as a topic; the parts above offer theirs."""
        register_snapshot("events", audit.snapshot, digest=audit.digest)
