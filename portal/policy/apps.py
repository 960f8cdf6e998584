from django.apps import AppConfig
from django.core import checks

from portal.policy.checks import policy_is_sound


class PolicyConfig(AppConfig):
    name = "portal.policy"
    label = "policy"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Has the file looked at when a command starts."""
        checks.register(policy_is_sound)
