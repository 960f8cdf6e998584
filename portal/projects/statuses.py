"""The statuses of plans, phases and microsteps: always shape, word and colour. Work that goes on as it should has no colour."""

from collections.abc import Mapping
from typing import Any

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from portal.projects.core.reading import STATUSES
from portal.web.vocabulary import Sign

SIGNS: Mapping[str, Sign] = {
    "draft": Sign("queued", _("Draft")),
    "active": Sign("active", _("Active")),
    "blocked": Sign("slow", _("Blocked"), "warn"),
    "in_review": Sign("review", _("In review")),
    "done": Sign("synced", _("Done"), "ok"),
    "archived": Sign("superseded", _("Archived")),
}


def sign_of(status: str) -> Sign:
    """The sign of a status; one that Breakwater does not know is shown with its own word."""
    return SIGNS.get(status, Sign("no-data", status or _("No status")))


def word_of(status: str) -> str | Promise:
    """Its word."""
    return sign_of(status).word


def choices(now: str, rules: Mapping[str, Any]) -> list[tuple[str, str | Promise]]:
    """What may be chosen from this status on: what the merge rules of plans allow, so that no choice ends in a conflict by itself."""
    rule = rules.get("/**/status") or {}
    allowed = rule.get("allowed", {}).get(now) if isinstance(rule, Mapping) else None
    reachable = [status for status in STATUSES if allowed is None or status in allowed]
    return [(now, word_of(now)), *((status, word_of(status)) for status in reachable if status != now)]
