"""A plan that two people changed at once: one place of each kind that asks, and some that rules settle."""

from copy import deepcopy
from typing import Any

PLAN: dict[str, Any] = {
    "id": "p-1",
    "title": "Onboarding revamp",
    "description": (
        "The first week decides. New members see the tour once. The tour has five stops. Old tokens keep working for 30 days."
    ),
    "due": "2026-11-21",
    "tags": ["web"],
    "phases": [
        {
            "id": "ph-1",
            "title": "Cut-over",
            "microsteps": [
                {
                    "id": "m-1",
                    "title": "Verify webhook signature",
                    "status": "active",
                    "acceptance_criteria": [
                        {"id": "AC-3", "text": "Every webhook rejects a bad signature.", "met": True}
                    ],
                },
                {
                    "id": "m-2",
                    "title": "Migrate legacy tokens",
                    "status": "active",
                    "notes": "Ask first.",
                    "acceptance_criteria": [
                        {"id": "AC-5", "text": "No legacy token works after cut-over.", "met": False}
                    ],
                },
            ],
        }
    ],
    "comments": [{"id": "c-1", "text": "Who does this?", "at": "2026-11-20T10:00:00Z"}],
}


def steps(plan: dict[str, Any]) -> list[dict[str, Any]]:
    """The microsteps of its phase."""
    found: list[dict[str, Any]] = plan["phases"][0]["microsteps"]
    return found


def local() -> dict[str, Any]:
    """What was queued: a status, two sentences, a note, a comment, a due date."""
    plan = deepcopy(PLAN)
    plan["description"] = (
        "The first week decides. New members see the tour once, and can replay it from Help. The tour has five stops."
        " Old tokens keep working for 14 days."
    )
    plan["due"] = "2026-11-28"
    steps(plan)[0]["status"] = "done"
    steps(plan)[1]["notes"] = "Batch of 500, at night."
    plan["comments"].append({"id": "c-2", "text": "Mara does.", "at": "2026-11-21T02:31:00Z"})
    return plan


def remote() -> dict[str, Any]:
    """What the upstream has: another status, the same sentences otherwise, a step deleted, a title."""
    plan = deepcopy(PLAN)
    plan["title"] = "Onboarding revamp, phase 2"
    plan["description"] = (
        "The first week decides. New members see the short tour once. The tour has five stops. Old tokens stop at cut-over."
    )
    plan["updated_by"] = "Ilan O."
    steps(plan)[0]["status"] = "blocked"
    steps(plan)[0]["acceptance_criteria"][0]["met"] = False
    del steps(plan)[1]
    plan["comments"].append({"id": "c-3", "text": "In March.", "at": "2026-11-21T02:29:00Z"})
    return plan


def many(n: int) -> tuple[dict[str, Any], dict[str, Any], dict[str, Any]]:
    """Base, local and remote of a plan in which `n` microsteps ask for their titles."""
    base = {"title": "Large plan", "phases": [{"id": "p", "title": "All", "microsteps": []}]}
    steps(base).extend({"id": f"m-{i}", "title": f"Step number {i}", "status": "draft"} for i in range(n))
    sides = deepcopy(base), deepcopy(base)
    for number, side in enumerate(sides):
        for one in steps(side):
            one["title"] += ", here" if number == 0 else ", there"
    return base, *sides
