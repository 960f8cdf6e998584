"""What differs between two versions of a plan, place by place, for the marks on its page and for the list of what waits. Pure."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from portal.projects.core.reading import Criterion, Microstep, PlanView, Remark

FIELDS = ("title", "status", "summary", "description", "owner", "due")


@dataclass(frozen=True, slots=True)
class Difference:
    """One place. `about` names the microstep or criterion, `what` is the field; texts are cut by who shows them.

    `place` is unique within the plan: "title", "3f2a…/status", "3f2a…/met/c1", "comments/01…".
    """

    place: str
    what: str
    about: str = ""
    before: str = ""
    after: str = ""


def differences(before: PlanView, after: PlanView) -> list[Difference]:
    """What is different in `after`, in the order of the page."""
    return list(_differences(before, after))


def _differences(before: PlanView, after: PlanView) -> Iterator[Difference]:
    for name in FIELDS:
        yield from _field("", name, "", getattr(before, name), getattr(after, name))
    if before.tags != after.tags:
        yield Difference("tags", "tags", "", ", ".join(before.tags), ", ".join(after.tags))
    yield from _met("", before.criteria, after.criteria)
    yield from _steps(before, after)
    for name in ("comments", "annotations"):
        yield from _added(name, getattr(before, name), getattr(after, name))
    if before.files != after.files:
        yield Difference("files", "files", "", str(len(before.files)), str(len(after.files)))
    if not _same(before.other, after.other):
        yield Difference("other", "other")


def _steps(before: PlanView, after: PlanView) -> Iterator[Difference]:
    known = {step.key: step for phase in before.phases for step in phase.steps if step.key}
    shown = {step.key: step for phase in after.phases for step in phase.steps if step.key}
    for key, step in shown.items():
        if key in known:
            yield from _step(known[key], step)
        else:
            yield Difference(f"{key}/added", "added", step.title)
    for key, step in known.items():
        if key not in shown:
            yield Difference(f"{key}/removed", "removed", step.title)
    old, new = ([(phase.key, phase.title, phase.status) for phase in view.phases] for view in (before, after))
    if old != new:
        yield Difference("phases", "phases")


def _step(before: Microstep, after: Microstep) -> Iterator[Difference]:
    for name in ("title", "status", "notes", "assignee"):
        yield from _field(f"{after.key}/", name, after.title, getattr(before, name), getattr(after, name))
    yield from _met(f"{after.key}/", before.criteria, after.criteria)
    if not _same(before.other, after.other):
        yield Difference(f"{after.key}/other", "other", after.title)


def _field(prefix: str, name: str, about: str, before: str, after: str) -> Iterator[Difference]:
    if before != after:
        yield Difference(f"{prefix}{name}", name, about, before, after)


def _met(prefix: str, before: tuple[Criterion, ...], after: tuple[Criterion, ...]) -> Iterator[Difference]:
    known = {one.id: one for one in before}
    for one in after:
        old = known.get(one.id)
        if old is None or old.text != one.text:
            yield Difference(f"{prefix}criteria/{one.id}", "criterion", one.text)
        elif old.met != one.met:
            yield Difference(f"{prefix}met/{one.id}", "met" if one.met else "unmet", one.text)
    if {one.id for one in after} < set(known):
        yield Difference(f"{prefix}criteria", "criteria")


def _added(name: str, before: tuple[Remark, ...], after: tuple[Remark, ...]) -> Iterator[Difference]:
    known = {one.id: one for one in before}
    for one in after:
        if known.get(one.id) != one:
            yield Difference(f"{name}/{one.id}", name, one.author, "", one.text)


def _same(one: Mapping[str, Any], other: Mapping[str, Any]) -> bool:
    """Equal in type too, at the top at least: true is not 1."""
    return one == other and all(type(one[name]) is type(other[name]) for name in one)
