from django.apps import AppConfig
from django.conf import settings

from resilience.telemetry import tracing


class MonitoringConfig(AppConfig):
    name = "portal.monitoring"
    label = "monitoring"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Switches on the spans, where the operator wants them."""
        if settings.BREAKWATER_TRACING:
            tracing.switch_on()
