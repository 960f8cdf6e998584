"""What the writers of the race do to a plan: each edit leaves a mark that no other edit leaves, so that a lost one is seen."""

import json
import re
from collections.abc import Callable
from copy import deepcopy
from random import Random
from typing import Any

Document = dict[str, Any]
_MARK = re.compile(r"mark-[a-z]+-\d+")
STATUSES = ("draft", "active", "blocked", "in_review", "done")


def marks(document: Any) -> set[str]:
    """The marks that stand anywhere in a document (or in its JSON text)."""
    return set(_MARK.findall(document if isinstance(document, str) else json.dumps(document)))


def twice(document: Any) -> set[str]:
    """The marks that stand more than once in a document."""
    found = _MARK.findall(json.dumps(document))
    return {mark for mark in found if found.count(mark) > 1}


def plan(n: int) -> Document:
    """A plan to begin with; what it says is marked too, since nobody may lose it either."""
    number = iter(range(100))

    def mark() -> str:
        return f"mark-seed-{n:03d}{next(number):03d}"

    phases = [
        {
            "id": f"ph{p}",
            "title": f"Phase {mark()}",
            "status": "active",
            "microsteps": [
                {"id": f"s{p}-{s}", "title": f"Step {mark()}", "status": "active", "notes": f"First. {mark()}. Last."}
                for s in range(4)
            ],
        }
        for p in range(3)
    ]
    return {
        "title": f"Plan {mark()}",
        "description": " ".join(f"Sentence {at} says {mark()}." for at in range(8)),
        "status": "active",
        "tags": [mark()],
        "comments": [{"id": f"c{n}", "author": "seed", "text": mark(), "at": "2026-11-20T10:00:00Z"}],
        "phases": phases,
    }


def edited(document: Document, rng: Random, mark: str, *, second: int) -> Document:
    """The document after one edit that leaves `mark`, or none where a status has no place for it. `second` counts this run's time."""
    names = list(_EDITS)
    kind = rng.choices(names, [_EDITS[name][1] for name in names])[0]
    after = deepcopy(document)
    _EDITS[kind][0](after, rng, mark, second)
    return after


def _title(plan: Document, rng: Random, mark: str, second: int) -> None:
    plan["title"] = f"Plan {mark}"


def _sentence(plan: Document, rng: Random, mark: str, second: int) -> None:
    said = plan.get("description", "").split(". ")
    at = rng.randrange(len(said))
    said[at] = f"Sentence {at} says {mark}" + ("." if said[at].endswith(".") else "")
    plan["description"] = ". ".join(said)


def _more_text(plan: Document, rng: Random, mark: str, second: int) -> None:
    plan["description"] = f"{plan.get('description', '')} More of it: {mark}."


def _status(plan: Document, rng: Random, mark: str, second: int) -> None:
    plan["status"] = rng.choice(STATUSES)


def _tag(plan: Document, rng: Random, mark: str, second: int) -> None:
    plan["tags"] = [*plan.get("tags", []), mark]


def _comment(plan: Document, rng: Random, mark: str, second: int) -> None:
    at = f"2026-11-21T10:{second // 60:02d}:{second % 60:02d}Z"
    said = {"id": mark, "author": mark.split("-")[1], "text": "A word.", "at": at}
    plan["comments"] = [*plan.get("comments", []), said]


def _step(plan: Document, rng: Random) -> Document | None:
    steps = [step for phase in plan["phases"] for step in phase["microsteps"]]
    return rng.choice(steps) if steps else None


def _notes(plan: Document, rng: Random, mark: str, second: int) -> None:
    if step := _step(plan, rng):
        step["notes"] = f"{step.get('notes', '')} {mark}."


def _step_title(plan: Document, rng: Random, mark: str, second: int) -> None:
    if step := _step(plan, rng):
        step["title"] = f"Step {mark}"


def _step_status(plan: Document, rng: Random, mark: str, second: int) -> None:
    if step := _step(plan, rng):
        step["status"] = rng.choice(STATUSES)


def _new_step(plan: Document, rng: Random, mark: str, second: int) -> None:
    phase = rng.choice(plan["phases"])
    step = {"id": f"n-{rng.randrange(10**9)}", "title": f"Step {mark}", "status": "draft"}
    phase["microsteps"].insert(rng.randrange(len(phase["microsteps"]) + 1), step)


def _less(plan: Document, rng: Random, mark: str, second: int) -> None:
    phase = rng.choice(plan["phases"])
    if len(phase["microsteps"]) > 2:
        del phase["microsteps"][rng.randrange(len(phase["microsteps"]))]


_EDITS: dict[str, tuple[Callable[[Document, Random, str, int], None], int]] = {
    "title": (_title, 2),
    "sentence": (_sentence, 4),
    "more text": (_more_text, 2),
    "status": (_status, 2),
    "tag": (_tag, 4),
    "comment": (_comment, 4),
    "notes": (_notes, 5),
    "step title": (_step_title, 4),
    "step status": (_step_status, 3),
    "new step": (_new_step, 2),
    "less": (_less, 1),
}
