from django.apps import AppConfig


class SettingsPagesConfig(AppConfig):
    name = "portal.settings_pages"
    label = "settings_pages"
    default_auto_field = "django.db.models.BigAutoField"
