"""What `manage.py check` says about the policy file."""

from collections.abc import Sequence
from typing import Any

from django.apps.config import AppConfig
from django.core.checks import CheckMessage, Warning  # noqa: A004 - Django's name for it

from portal.policy.source import state


def policy_is_sound(app_configs: Sequence[AppConfig] | None, **kwargs: Any) -> list[CheckMessage]:
    """A warning for each fault of the policy file, with its line. Breakwater starts nevertheless, with the last good policy."""
    hint = "Until it is mended, the last good policy goes on, or what is built in where there never was one."
    return [Warning(str(fault), hint=hint, id="policy.W001") for fault in state().faults]
