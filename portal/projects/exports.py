"""Plans and projects as files: JSON for programs, Markdown for people."""

import json
import re
from collections.abc import Iterable, Sequence
from typing import Any

from django.http import HttpResponse
from django.utils.cache import patch_cache_control
from django.utils.http import content_disposition_header
from django.utils.translation import gettext as _

from portal.kit import clock
from portal.projects.core.reading import Criterion, Microstep, PlanView, Remark, read_plan
from portal.projects.models import Plan
from portal.projects.statuses import word_of
from portal.tenancy.models import Project

TYPES = {"json": "application/json", "md": "text/markdown; charset=utf-8"}
_SPECIAL = re.compile(r"([\\`*_{}\[\]<>|#~])")
_LEADING = re.compile(r"^(\s*)([-+=]|\d{1,9}[.)])", re.MULTILINE)


def as_file(name: str, ending: str, text: str) -> HttpResponse:
    """A download."""
    response = HttpResponse(text, content_type=TYPES[ending])
    response.headers["Content-Disposition"] = (
        content_disposition_header(True, f"{_file_name(name)}.{ending}") or "attachment"
    )
    response.headers["X-Content-Type-Options"] = "nosniff"
    patch_cache_control(response, no_store=True, private=True)
    return response


def plan_json(plan: Plan) -> str:
    """The document as the upstream had it, as text with its fields in their order by name."""
    return json.dumps(plan.read(), ensure_ascii=False, indent=2, sort_keys=True) + "\n"


def project_json(project: Project, plans: Iterable[Plan]) -> str:
    """The project with its plans' documents, where they come from and how old they are."""
    kept: dict[str, Any] = {
        "organization": project.organization.slug,
        "slug": project.slug,
        "name": project.name,
        "description": project.description,
        "specification": project.specification,
        "exported_at": _utc(clock.now()),
        "plans": [
            {
                "upstream": plan.upstream.slug,
                "id": plan.entity_id,
                "version": plan.version,
                "fetched_at": _utc(plan.fetched_at),
                "document": plan.read(),
            }
            for plan in plans
        ],
    }
    return json.dumps(kept, ensure_ascii=False, indent=2) + "\n"


def plan_markdown(plan: Plan, *, level: int = 1) -> str:
    """The plan as Markdown that starts with a heading of this level."""
    view = read_plan(plan.read() or {})
    return _joined(_plan(view, plan, level))


def project_markdown(project: Project, plans: Iterable[Plan]) -> str:
    """The project's specification and its plans."""
    blocks = [f"# {inline(project.name)}", inline(project.description), project.specification.strip()]
    for plan in plans:
        blocks += _plan(read_plan(plan.read() or {}), plan, 2)
    return _joined(blocks)


def _joined(blocks: Iterable[str]) -> str:
    return "\n\n".join(block for block in blocks if block) + "\n"


def _plan(view: PlanView, plan: Plan, level: int) -> list[str]:
    facts = [
        (_("Status"), str(word_of(view.status)) if view.status else ""),
        (_("Owner"), view.owner),
        (_("Due"), view.due),
        (_("Tags"), ", ".join(view.tags)),
        (_("From"), f"{plan.upstream.slug}, {plan.entity_id}"),
        (_("As of"), _utc(plan.fetched_at) or ""),
    ]
    blocks = [
        _heading(level, view.title or plan.name),
        inline(view.summary),
        "\n".join(f"- {word}: {inline(value)}" for word, value in facts if value),
        prose(view.description),
        _criteria(view.criteria),
    ]
    for phase in view.phases:
        blocks.append(_heading(level + 1, phase.title) + (f" ({word_of(phase.status)})" if phase.status else ""))
        for step in phase.steps:
            blocks += _step(step, level + 2)
    blocks += _remarks(_("Comments"), view.comments, level + 1)
    blocks += _remarks(_("Annotations"), view.annotations, level + 1)
    if view.files:
        blocks += [_heading(level + 1, _("Files")), "\n".join(f"- {inline(file.name)}" for file in view.files)]
    return blocks


def _step(step: Microstep, level: int) -> list[str]:
    said = ", ".join(part for part in (str(word_of(step.status)) if step.status else "", inline(step.assignee)) if part)
    return [_heading(level, step.title), said, prose(step.notes), _criteria(step.criteria)]


def _criteria(criteria: Sequence[Criterion]) -> str:
    return "\n".join(f"- [{'x' if one.met else ' '}] {inline(one.text)}" for one in criteria)


def _remarks(word: str, remarks: Sequence[Remark], level: int) -> list[str]:
    if not remarks:
        return []
    blocks = [_heading(level, word)]
    for remark in remarks:
        who = ", ".join(part for part in (inline(remark.author), inline(remark.at)) if part)
        quoted = "\n".join(f"> {line}".rstrip() for line in prose(remark.text).splitlines())
        blocks.append(f"{who}:\n\n{quoted}" if who else quoted)
    return blocks


def _heading(level: int, text: str) -> str:
    return f"{'#' * min(level, 6)} {inline(text) or '–'}"


def inline(text: str) -> str:
    """A text on one line that reads as itself in Markdown."""
    return prose(" ".join(text.split()))


def prose(text: str) -> str:
    """A text whose lines read as themselves in Markdown."""
    escaped = _SPECIAL.sub(r"\\\1", text.replace("\r\n", "\n").replace("\r", "\n").strip())
    return _LEADING.sub(_lead, escaped)


def _lead(found: re.Match[str]) -> str:
    mark = found[2]
    return f"{found[1]}\\{mark}" if len(mark) == 1 else f"{found[1]}{mark[:-1]}\\{mark[-1]}"


def _file_name(name: str) -> str:
    return re.sub(r"[^\w.\- ]+", "", name).strip(". ")[:80].strip() or "plan"


def _utc(at: Any) -> str | None:
    return at.isoformat(timespec="seconds").replace("+00:00", "Z") if at else None
