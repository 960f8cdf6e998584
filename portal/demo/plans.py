"""The plan documents of the demo: what its upstream holds when it starts for the first time."""

from collections.abc import Sequence
from typing import Any

from portal.demo.details import DETAILS

Document = dict[str, Any]


def _step(title: str, status: str, *criteria: str, assignee: str = "", notes: str = "") -> Document:
    step: Document = {"title": title, "status": status}
    if assignee:
        step["assignee"] = assignee
    if notes:
        step["notes"] = notes
    met = status == "done"
    step["acceptance_criteria"] = [{"id": "", "text": text, "met": met} for text in criteria]
    return step


def _phase(title: str, status: str, *steps: Document) -> Document:
    return {"title": title, "status": status, "microsteps": list(steps)}


def _plan(
    title: str, summary: str, *phases: Document, status: str = "active", owner: str, due: str, tags: Sequence[str]
) -> Document:
    numbered = []
    for number, phase in enumerate(phases, 1):
        steps = [{"id": f"s{number}-{at}", **step} for at, step in enumerate(phase["microsteps"], 1)]
        numbered.append({**phase, "id": f"ph{number}", "microsteps": steps})
    every = [
        criterion for phase in numbered for step in phase["microsteps"] for criterion in step["acceptance_criteria"]
    ]
    for number, criterion in enumerate(every, 1):
        criterion["id"] = f"AC-{number}"
    return {
        "title": title,
        "summary": summary,
        "status": status,
        "owner": owner,
        "due": due,
        "tags": list(tags),
        "phases": numbered,
    }


TIDEWATER: dict[str, Document] = {
    "onboarding-revamp": _plan(
        "Onboarding revamp",
        "New customers reach their first working sync within ten minutes, without a call.",
        _phase(
            "Find where people stop",
            "done",
            _step(
                "Replay twenty recorded first sessions",
                "done",
                "Each drop-off has a time and a screen",
                "Three causes cover at least 80 % of them",
                assignee="mira",
            ),
            _step("Interview five customers who gave up", "done", "Notes are linked from the plan", assignee="theo"),
        ),
        _phase(
            "Shorten the first run",
            "active",
            _step(
                "Ask for the address only, derive the rest",
                "in_review",
                "A wrong address is explained in one sentence",
                "Nothing is asked twice",
                assignee="mira",
            ),
            _step(
                "Sample data that can be thrown away",
                "active",
                "One click removes it",
                "It never mixes with real rows",
                assignee="theo",
            ),
            _step("Checklist that remembers where you were", "draft", "Works after a reload and on a phone"),
        ),
        _phase(
            "Connect their systems",
            "active",
            _step("Verify webhook signature", "active", "Every webhook rejects a bad signature", assignee="theo"),
            _step(
                "Migrate legacy tokens",
                "active",
                "Rehearsed on staging",
                "Every customer was told twice",
                "Nobody is signed out by it",
                assignee="mira",
            ),
        ),
        _phase(
            "Show that it worked",
            "draft",
            _step("Measure time to first sync", "draft", "The median stands on the team's board"),
        ),
        owner="mira",
        due="2027-01-29",
        tags=["growth", "ux"],
    ),
    "webhook-retries": _plan(
        "Wire up webhook retries",
        "A receiver that is down for an hour gets every event afterwards, once and in order.",
        _phase(
            "Keep what was not delivered",
            "done",
            _step("Write attempts before sending", "done", "A crash leaves an attempt without an answer, never none"),
            _step("Backoff with jitter", "done", "No two receivers are retried in the same second"),
        ),
        _phase(
            "Let people see it",
            "active",
            _step(
                "Page with the last fifty attempts of a receiver",
                "active",
                "Secrets are masked",
                "A failed attempt says why in words",
                assignee="theo",
            ),
            _step("Pause and resume a receiver", "draft", "What waits is kept", "Who paused it is shown"),
        ),
        owner="theo",
        due="2026-12-18",
        tags=["integrations", "reliability"],
    ),
    "billing-export": _plan(
        "Monthly billing export",
        "Finance gets one file a month that adds up, and nobody edits it by hand.",
        _phase(
            "Agree on the columns",
            "done",
            _step("List what finance types in today", "done", "Signed off by finance"),
            _step("Decide on rounding", "done", "Written down with three examples"),
        ),
        _phase(
            "Produce the file",
            "active",
            _step("Export for a closed month", "in_review", "Running it twice gives the same bytes", assignee="mira"),
            _step("Reconcile against the ledger", "blocked", "The difference is zero for June to October"),
        ),
        owner="mira",
        due="2026-12-04",
        tags=["finance"],
    ),
    "offline-field-app": _plan(
        "Field app works offline for a day",
        "Technicians fill in reports in basements; nothing is typed twice.",
        _phase(
            "Keep changes on the device",
            "active",
            _step("Outbox that survives a reboot", "done", "Power cut during a save loses nothing"),
            _step("Say what is not sent yet", "active", "A count, and a list with times", assignee="theo"),
        ),
        _phase(
            "Bring them home",
            "draft",
            _step("Send in order, once per change", "draft", "A lost answer does not create a second report"),
            _step("Settle edits of two people", "draft", "Both sides are kept until someone decides"),
        ),
        owner="theo",
        due="2027-02-26",
        tags=["mobile", "offline"],
    ),
    "search-index": _plan(
        "Rebuild the search index without downtime",
        "Two indexes side by side, one switch, and a way back.",
        _phase(
            "Prepare",
            "done",
            _step("Measure the present answers", "done", "Two hundred real queries with their results are kept"),
        ),
        _phase(
            "Switch",
            "active",
            _step("Fill the new index from the log", "active", "Lag stays under a minute", assignee="mira"),
            _step("Compare answers of both", "draft", "Differences are explained or fixed"),
        ),
        owner="mira",
        due="2027-01-15",
        tags=["search", "platform"],
    ),
    "access-review": _plan(
        "Quarterly access review",
        "Everybody who can change production is known by name, and still needs it.",
        _phase(
            "Collect",
            "active",
            _step("Export roles from all systems", "done", "The list has an owner per system"),
            _step("Send each owner their list", "active", "Answers are due within a week", assignee="theo"),
        ),
        _phase("Act", "draft", _step("Remove what nobody confirmed", "draft", "Each removal is in the audit log")),
        owner="theo",
        due="2026-12-11",
        tags=["security"],
    ),
}

NORTHLIGHT: dict[str, Document] = {
    "ward-handover": _plan(
        "Ward handover checklist",
        "A shift ends with the same seven questions on every ward.",
        _phase(
            "Write it with the wards",
            "done",
            _step("Watch four handovers", "done", "One on each ward, one of them at night"),
            _step("Draft the seven questions", "done", "Each can be answered in under a minute"),
        ),
        _phase(
            "Try it",
            "active",
            _step("Two weeks on ward 3", "active", "Missed items are counted before and after", assignee="ada"),
            _step("Change what did not work", "draft", "Nurses decide"),
        ),
        owner="ada",
        due="2026-12-20",
        tags=["care"],
    ),
    "device-inventory": _plan(
        "Know every infusion pump",
        "Where it is, when it was checked, who has it.",
        _phase(
            "Count",
            "active",
            _step("Label the pumps on all wards", "active", "A label can be read by the phone", assignee="ada"),
            _step("Enter the last check of each", "draft", "No pump without a date"),
        ),
        owner="ada",
        due="2027-03-01",
        tags=["devices", "safety"],
    ),
    "visitor-signs": _plan(
        "Signs that visitors understand",
        "From the main door to a bed without asking.",
        _phase(
            "Walk it",
            "done",
            _step("Follow ten visitors", "done", "Each wrong turn is on the map"),
        ),
        _phase("Hang them", "active", _step("Order signs for floor 1", "in_review", "Proof was read by two people")),
        owner="ada",
        due="2027-01-08",
        tags=["visitors"],
    ),
}

REFUSED_PLAN = "vendor-contracts"
TIDEWATER[REFUSED_PLAN] = _plan(
    "Vendor contracts in one place",
    "Every contract with its end date, its owner and the notice period.",
    _phase(
        "Gather",
        "active",
        _step("Ask every team for theirs", "active", 'Nobody answers "I think legal has it"', assignee="mira"),
        _step("Enter end dates", "draft", "A reminder comes ninety days before"),
    ),
    owner="mira",
    due="2027-01-22",
    tags=["legal"],
)
for _plans in (TIDEWATER, NORTHLIGHT):
    for _key in _plans:
        _plans[_key] |= DETAILS[_key]
TOO_LONG_TITLE = (
    "Vendor contracts, licences, service agreements and everything else that legal would like to see in one place"
)

IDEAS = (
    ("Retire the old importer", "Nobody has used it since March; its tables still grow."),
    ("Dark mode for the status page", "People look at it at night, when something is wrong."),
    ("Fewer alerts, better alerts", "Each one names what to do first."),
    ("Rotate the keys of the build machines", "Before the audit, with a rehearsal."),
    ("Warm standby in the second region", "Rehearse the switch once a quarter."),
    ("Release notes that customers read", "Three sentences, one picture, once a fortnight."),
)
COMMENTS = (
    "Tried it on the slow line in the annex: eleven seconds, was forty.",
    "Can we have this before the audit? Otherwise it waits until February.",
    "The second criterion is met, the first one needs another look.",
    "Spoke to finance: rounding per line, not per invoice.",
    "This blocks the mobile release; moved it up.",
    "Reviewed with Theo, two small remarks in the document.",
    "Seen again on the test ward this morning, screenshot is in the folder.",
    "Works after a reboot too. Closing from my side.",
    "Customer confirmed that the export opens without warnings now.",
    "Please keep the old address alive for another month.",
    "The label printer is back, continuing tomorrow.",
    "Split this step: the import part is a week of its own.",
)
STATUS_NOTES = (
    "Checks passed on the main branch.",
    "Waiting for the review of the second change.",
    "Deployed to staging.",
    "Rolled back on staging: one check is red.",
    "All checks of the release are green.",
)
