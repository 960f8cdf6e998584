"""Probes for known purposes: what they check, and the few things that a person fills in. Forms, REST and docs are made of these.

built = template("github-webhook").build({"repository": "acme/shop", "hook": "1234", "token": "…"})
"""

from resilience.health.targets.fields import Template
from resilience.health.targets.general import GENERAL
from resilience.health.targets.services import SERVICES

_TEMPLATES = {one.name: one for one in (*SERVICES, *GENERAL)}


def templates() -> list[Template]:
    """All templates, in the order in which they are offered."""
    return list(_TEMPLATES.values())


def template(name: str) -> Template | None:
    """The template of this name; None when there is none."""
    return _TEMPLATES.get(name)
