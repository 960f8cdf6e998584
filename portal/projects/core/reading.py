"""A plan's document as pages need it. Documents come from upstreams, so nothing about their shape is taken for granted. Pure."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any

STATUSES = ("draft", "active", "blocked", "in_review", "done", "archived")
_PLAN = frozenset(
    {"id", "title", "summary", "description", "status", "owner", "due", "tags", "phases", "acceptance_criteria"}
    | {"comments", "annotations", "files"}
)
_STEP = frozenset({"id", "title", "status", "notes", "assignee", "acceptance_criteria"})


@dataclass(frozen=True, slots=True)
class Criterion:
    """One acceptance criterion."""

    id: str
    text: str
    met: bool


@dataclass(frozen=True, slots=True)
class Microstep:
    """One microstep. `key` names it in addresses and is the same as long as its ids are; "" when it cannot be named."""

    key: str
    id: str
    title: str
    status: str
    notes: str
    assignee: str
    criteria: tuple[Criterion, ...] = ()
    other: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Phase:
    """One phase with its microsteps."""

    key: str
    title: str
    status: str
    steps: tuple[Microstep, ...] = ()

    @property
    def done(self) -> int:
        """How many of its microsteps are done."""
        return sum(1 for step in self.steps if step.status == "done")


@dataclass(frozen=True, slots=True)
class Remark:
    """A comment or an annotation. `at` is the text that the document has."""

    id: str
    author: str
    text: str
    at: str


@dataclass(frozen=True, slots=True)
class File:
    """A file that belongs to the plan; the upstream keeps it. `size` is None where the document does not say."""

    id: str
    name: str
    size: int | None
    sha256: str


@dataclass(frozen=True, slots=True)
class Figures:
    """How far a plan is."""

    steps: int = 0
    steps_done: int = 0
    criteria: int = 0
    criteria_met: int = 0


@dataclass(frozen=True, slots=True)
class PlanView:
    """A plan as a page shows it. `other` is what the document says beyond that."""

    title: str
    status: str
    summary: str
    description: str
    owner: str
    due: str
    tags: tuple[str, ...]
    phases: tuple[Phase, ...]
    criteria: tuple[Criterion, ...]
    comments: tuple[Remark, ...]
    annotations: tuple[Remark, ...]
    files: tuple[File, ...]
    other: Mapping[str, Any]

    @property
    def figures(self) -> Figures:
        """How far it is."""
        steps = [step for phase in self.phases for step in phase.steps]
        criteria = [*self.criteria, *(criterion for step in steps for criterion in step.criteria)]
        return Figures(
            len(steps),
            sum(1 for step in steps if step.status == "done"),
            len(criteria),
            sum(1 for criterion in criteria if criterion.met),
        )

    def step(self, key: str) -> Microstep | None:
        """The microstep of this key."""
        steps = (step for phase in self.phases for step in phase.steps)
        return next((step for step in steps if key and step.key == key), None)


def read_plan(document: Any) -> PlanView:
    """The plan that a document says; what has another shape than a plan's is left out or stands in `other`."""
    found = document if isinstance(document, Mapping) else {"document": document}
    return PlanView(
        title=text(found, "title"),
        status=text(found, "status"),
        summary=text(found, "summary"),
        description=text(found, "description"),
        owner=text(found, "owner"),
        due=text(found, "due"),
        tags=tuple(tag for tag in _list(found, "tags") if isinstance(tag, str)),
        phases=tuple(_phases(objects(found, "phases"))),
        criteria=_criteria(found),
        comments=_remarks(found, "comments"),
        annotations=_remarks(found, "annotations"),
        files=tuple(_file(one) for one in objects(found, "files")),
        other={name: value for name, value in found.items() if name not in _PLAN},
    )


def key_of(phase: Mapping[str, Any], step: Mapping[str, Any]) -> str:
    """The key of a microstep within its phase; "" where one of them has no id."""
    phase_id, step_id = phase.get("id"), step.get("id")
    if not (isinstance(phase_id, str) and isinstance(step_id, str) and phase_id and step_id):
        return ""
    return sha256(f"{phase_id}\0{step_id}".encode()).hexdigest()[:12]


def text(found: Mapping[str, Any], name: str) -> str:
    """The text of this name; "" where there is none."""
    value = found.get(name)
    return value if isinstance(value, str) else ""


def objects(found: Mapping[str, Any], name: str) -> list[Mapping[str, Any]]:
    """The objects in the list of this name."""
    return [one for one in _list(found, name) if isinstance(one, Mapping)]


def _list(found: Mapping[str, Any], name: str) -> list[Any]:
    value = found.get(name)
    return value if isinstance(value, list) else []


def _phases(phases: Iterable[Mapping[str, Any]]) -> Iterable[Phase]:
    listed = list(phases)
    counted = Counter(key_of(phase, step) for phase in listed for step in objects(phase, "microsteps"))
    for number, phase in enumerate(listed):
        steps = tuple(_step(phase, step, counted) for step in objects(phase, "microsteps"))
        key = sha256(f"{number}\0{phase.get('id')}".encode()).hexdigest()[:12]
        yield Phase(key, text(phase, "title") or text(phase, "id"), text(phase, "status"), steps)


def _step(phase: Mapping[str, Any], step: Mapping[str, Any], counted: Mapping[str, int]) -> Microstep:
    key = key_of(phase, step)
    return Microstep(
        key=key if counted[key] == 1 else "",
        id=text(step, "id"),
        title=text(step, "title") or text(step, "id"),
        status=text(step, "status"),
        notes=text(step, "notes"),
        assignee=text(step, "assignee"),
        criteria=_criteria(step),
        other={name: value for name, value in step.items() if name not in _STEP},
    )


def _criteria(found: Mapping[str, Any]) -> tuple[Criterion, ...]:
    return tuple(
        Criterion(text(one, "id"), text(one, "text") or text(one, "id"), one.get("met") is True)
        for one in objects(found, "acceptance_criteria")
    )


def _remarks(found: Mapping[str, Any], name: str) -> tuple[Remark, ...]:
    return tuple(
        Remark(text(one, "id"), text(one, "author"), text(one, "text"), text(one, "at")) for one in objects(found, name)
    )


def _file(one: Mapping[str, Any]) -> File:
    size = one.get("size")
    known = size if isinstance(size, int) and not isinstance(size, bool) and size >= 0 else None
    return File(text(one, "id"), text(one, "name") or text(one, "id"), known, text(one, "sha256"))
