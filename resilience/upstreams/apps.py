from django.apps import AppConfig

from portal.tenancy import sealed


class UpstreamsConfig(AppConfig):
    name = "resilience.upstreams"
    label = "upstreams"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Tells the rotation of keys where secrets are kept."""
        sealed.register("upstreams.Upstream", "credentials")
