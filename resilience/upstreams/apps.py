from django.apps import AppConfig


class UpstreamsConfig(AppConfig):
    name = "resilience.upstreams"
    label = "upstreams"
    default_auto_field = "django.db.models.BigAutoField"
