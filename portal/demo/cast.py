"""Who and what is in the demo: organizations, people, upstreams, devices and integrations."""

from dataclasses import dataclass
from typing import Any

from portal.demo.plans import NORTHLIGHT, TIDEWATER, Document
from portal.kit.viewer import Role


@dataclass(frozen=True, slots=True)
class DemoOrganization:
    """A tenant with its plans; its slug is also the name of its bucket at the upstream."""

    slug: str
    name: str
    upstream: str
    upstream_name: str
    plans: dict[str, Document]


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody who signs in, and the roles by organization."""

    username: str
    first_name: str
    last_name: str
    roles: dict[str, Role]


@dataclass(frozen=True, slots=True)
class Sender:
    """A simulated device or integration: what it calls itself, for whom it speaks, and what it does, by weight."""

    client_id: str
    user: str
    organization: str
    does: dict[str, int]
    plans: tuple[str, ...]


ORGANIZATIONS = (
    DemoOrganization("tidewater", "Tidewater Labs", "plans-api", "Plans API", TIDEWATER),
    DemoOrganization("northlight", "Northlight", "ward-plans", "Ward plans", NORTHLIGHT),
)
PEOPLE = (
    Person("admin", "Alex", "Reyes", {"tidewater": Role.ADMIN, "northlight": Role.ADMIN}),
    Person("mira", "Mira", "Okafor", {"tidewater": Role.OPERATOR}),
    Person("theo", "Theo", "Lindqvist", {"tidewater": Role.OPERATOR}),
    Person("jonas", "Jonas", "Weber", {"tidewater": Role.VIEWER}),
    Person("ada", "Ada", "Nwosu", {"northlight": Role.ADMIN}),
    Person("ci-bot", "CI", "bot", {"tidewater": Role.OPERATOR}),
    Person("helpdesk", "Help", "desk", {"northlight": Role.OPERATOR}),
)
SENDERS = (
    Sender(
        "mira-laptop",
        "mira",
        "tidewater",
        {"step": 6, "comment": 2, "idea": 1},
        ("billing-export", "search-index"),
    ),
    Sender(
        "theo-phone",
        "theo",
        "tidewater",
        {"step": 5, "comment": 3},
        ("webhook-retries", "offline-field-app"),
    ),
    Sender("ada-tablet", "ada", "northlight", {"step": 5, "comment": 2}, ("ward-handover", "visitor-signs")),
    Sender("ci", "ci-bot", "tidewater", {"status": 4}, ("webhook-retries", "search-index", "offline-field-app")),
    Sender("helpdesk", "helpdesk", "northlight", {"comment": 3, "status": 1}, ("visitor-signs",)),
)


def routes(bucket: str) -> dict[str, Any]:
    """Where an organization's plans and comments live at the demo's upstream."""
    common = {"document": "data", "create": "PUT", "update": "PATCH", "content_type": "application/json"}
    place = f"/buckets/{bucket}/collections"
    return {
        "plan": {"path": f"{place}/plans/records/{{id}}", **common},
        "comment": {"path": f"{place}/comments/records/{{id}}", **common},
    }


PLAN_SCHEMA: dict[str, Any] = {
    "type": "object",
    "required": ["title"],
    "properties": {
        "title": {"type": "string", "maxLength": 80},
        "status": {"enum": ["draft", "active", "blocked", "in_review", "done", "archived"]},
    },
}
"""What the demo's upstream insists on: stricter than the portal, so that a change can be refused."""
