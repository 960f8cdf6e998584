from django.apps import AppConfig


class SyncqueueConfig(AppConfig):
    name = "syncqueue"
    default_auto_field = "django.db.models.BigAutoField"
