from django.apps import AppConfig
from django.utils.module_loading import import_string


class ProjectsConfig(AppConfig):
    name = "portal.projects"
    label = "projects"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Tells the lower packages what projects have for them."""
        import_string("portal.projects.wiring.wire")()
