"""The conflicts of the demo's first day, made for real: a device edits an old version offline, somebody at the upstream was faster."""

from collections.abc import Callable
from copy import deepcopy
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from portal.demo.plans import Document

Edit = Callable[[Document], None]


@dataclass(frozen=True, slots=True)
class Behind:
    """A change that was made later on the same plan and waits behind the conflict."""

    client_id: str
    kind: str
    edit: Edit


@dataclass(frozen=True, slots=True)
class Story:
    """What two sides made of one plan: `here` on a device that was offline, `there` at the upstream, by `author`."""

    plan: str
    client_id: str
    here: Edit
    author: str
    there: Edit
    behind: tuple[Behind, ...] = ()


def after(document: Document, edit: Edit) -> Document:
    """The document as the edit leaves it."""
    copy = deepcopy(document)
    edit(copy)
    return copy


def said(author: str, key: str, text: str) -> dict[str, Any]:
    """A comment of this moment."""
    return {"id": key, "author": author, "at": datetime.now(UTC).isoformat(timespec="seconds"), "text": text}


def signed(document: Document, author: str) -> Document:
    """The document with who changed it last, and when."""
    return document | {"updated_by": author, "updated_at": datetime.now(UTC).isoformat(timespec="seconds")}


def step_of(plan: Document, title: str) -> Document:
    """The microstep of this title."""
    steps: list[Document] = [step for phase in plan["phases"] for step in phase["microsteps"]]
    return next(step for step in steps if step["title"] == title)


def _onboarding_here(plan: Document) -> None:
    plan["description"] = (
        plan["description"]
        .replace("see the tour once.", "see the tour once, and can replay it from Help.")
        .replace("for 30 days", "for 14 days")
    )
    step_of(plan, VERIFY)["status"] = "done"
    migrate = step_of(plan, MIGRATE)
    migrate["notes"] = "Batch of 500, at night."
    for criterion in migrate["acceptance_criteria"][1:]:
        criterion["met"] = True
    plan["due"] = "2026-11-28"
    plan["tags"] = [*plan["tags"], "migration"]
    plan["comments"] = [
        *plan["comments"],
        said("mira", "c-on-4", "Signatures are checked on staging; a bad one gets 401."),
        said("mira", "c-on-5", "Fourteen days are enough, says support."),
    ]


def _onboarding_there(plan: Document) -> None:
    plan["title"] = "Onboarding revamp, phase 2"
    plan["description"] = (
        plan["description"]
        .replace("see the tour", "see the short tour")
        .replace("keep working for 30 days", "stop at cut-over")
    )
    step_of(plan, VERIFY)["status"] = "blocked"
    for phase in plan["phases"]:
        phase["microsteps"] = [step for step in phase["microsteps"] if step["title"] != MIGRATE]
    plan["tags"] = [*plan["tags"], "migration"]
    plan["comments"] = [*plan["comments"], said(ILAN, "c-on-3", "Security wants no overlap: tokens stop at cut-over.")]
    plan["files"] = [
        *plan["files"],
        {"id": "f-on-2", "name": "cut-over.pdf", "size": 92_016, "at": datetime.now(UTC).isoformat(timespec="seconds")},
    ]


def _owner(plan: Document) -> None:
    plan["owner"] = "theo"


def _summary(plan: Document) -> None:
    plan["summary"] = "New customers reach their first working sync within ten minutes, by themselves."


def _in_review(plan: Document) -> None:
    plan["status"] = "in_review"


def _seen(plan: Document) -> None:
    plan["comments"] = [*plan["comments"], said("theo", "c-on-6", "I take the metrics from here.")]


def _access_here(plan: Document) -> None:
    plan["status"] = "in_review"
    plan["comments"] = [
        *plan["comments"],
        said("theo", "c-ar-3", "All eleven lists are out; please look at the export."),
    ]


def _access_there(plan: Document) -> None:
    plan["status"] = "blocked"
    plan["comments"] = [*plan["comments"], said(ILAN, "c-ar-2", "Two owners left; their systems wait for new ones.")]


def _devices_here(plan: Document) -> None:
    plan["due"] = "2027-02-15"
    plan["description"] = plan["description"].replace("at each move", "at each move and each check")


def _devices_there(plan: Document) -> None:
    plan["due"] = "2027-01-31"
    plan["description"] = plan["description"].replace("A label is scanned", "Its label is scanned")


def _billing_here(plan: Document) -> None:
    step_of(plan, "Reconcile against the ledger")["status"] = "active"
    plan["tags"] = [*plan["tags"], "quarter-end"]


def _billing_there(plan: Document) -> None:
    plan["due"] = "2026-12-07"
    plan["comments"] = [*plan["comments"], said(ILAN, "c-be-2", "Moved by three days, the bank needs them.")]


def _ward_here(plan: Document) -> None:
    step_of(plan, "Change what did not work")["notes"] = "Question 4 is asked twice."


def _ward_there(plan: Document) -> None:
    plan["description"] = plan["description"].replace("from paper", "from paper any more")
    plan["tags"] = [*plan["tags"], "nights"]


VERIFY, MIGRATE = "Verify webhook signature", "Migrate legacy tokens"
ILAN, ROSA = "Ilan Osei", "Rosa Marin"
STORIES = (
    Story(
        "onboarding-revamp",
        "mira-laptop",
        _onboarding_here,
        ILAN,
        _onboarding_there,
        (
            Behind("theo-phone", "plan_edit", _owner),
            Behind("mira-laptop", "plan_edit", _summary),
            Behind("ci", "status_change", _in_review),
            Behind("theo-phone", "plan_edit", _seen),
        ),
    ),
    Story("access-review", "theo-phone", _access_here, ILAN, _access_there),
    Story("device-inventory", "ada-tablet", _devices_here, ROSA, _devices_there),
    Story("billing-export", "mira-laptop", _billing_here, ILAN, _billing_there),
    Story("ward-handover", "ada-tablet", _ward_here, ROSA, _ward_there),
)
"""The first three ask a person, the others are settled by rule. No device goes on with the plans of the first three."""

REMARKS = (
    "Looks right to me, go on.",
    "Seen, thank you.",
    "Please tell the front desk before this goes out.",
    "The figures of last week are in the shared folder.",
    "Wednesday is better than Tuesday for this.",
    "Agreed with the team, nothing to add.",
)
DUE_SHIFTS = ("2026-12-14", "2026-12-21", "2027-01-11", "2027-01-18", "2027-02-01", "2027-02-22")
MOST_COMMENTS = 30


def everyday_edit(plan: Document, author: str, pick: Callable[[tuple[str, ...]], str], key: str) -> Document:
    """What somebody at the upstream does now and then: a comment, or another due date. No device touches either in a plan."""
    if len(plan.get("comments", [])) < MOST_COMMENTS and pick(("comment", "comment", "due")) == "comment":
        return signed(plan | {"comments": [*plan.get("comments", []), said(author, key, pick(REMARKS))]}, author)
    return signed(plan | {"due": pick(DUE_SHIFTS)}, author)
