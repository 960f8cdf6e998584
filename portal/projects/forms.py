"""The forms of projects and plans. They turn what a person types into values; the actions judge them."""

import re
from collections.abc import Mapping, Sequence
from typing import Any

from django import forms
from django.http import QueryDict
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from portal.kit.errors import Error
from portal.kit.ids import uuid7
from portal.projects.core.editing import PLAN_FIELDS, STEP_FIELDS, PlanEdit, StepEdit, seen_of
from portal.projects.core.reading import Microstep, PlanView
from portal.projects.models import ENTITY_TYPE
from portal.projects.statuses import choices
from portal.tenancy.models import Organization, Project
from resilience.upstreams.models import Upstream

SEEN = "seen-"


def show(form: forms.Form, error: Error) -> None:
    """Puts the faults of an error beside the fields that their pointers name, and the rest on top."""
    if not error.faults:
        form.add_error(None, error.detail or error.title())
    for fault in error.faults:
        name = fault.pointer.removeprefix("/payload").removeprefix("/")
        place = name if name in form.fields else None
        form.add_error(
            place, fault.detail if place else f"{fault.detail} ({fault.pointer})" if fault.pointer else fault.detail
        )


class ProjectForm(forms.Form):
    """A project's name and texts. `revision` is the one that is being edited."""

    name = forms.CharField(label=gettext_lazy("Name"), max_length=100)
    description = forms.CharField(
        label=gettext_lazy("In one line"), max_length=300, required=False, help_text=gettext_lazy("What it is for.")
    )
    specification = forms.CharField(
        label=gettext_lazy("Specification"),
        required=False,
        strip=False,
        max_length=200_000,
        widget=forms.Textarea(attrs={"rows": 18}),
        help_text=gettext_lazy("Markdown: headings, lists, tables, code. HTML is shown as it is typed."),
    )
    revision = forms.IntegerField(widget=forms.HiddenInput, required=False)

    @classmethod
    def of(cls, project: Project) -> "ProjectForm":
        """The form as it opens."""
        names = ("name", "description", "specification", "revision")
        return cls(initial={name: getattr(project, name) for name in names})


class NewProjectForm(ProjectForm):
    """A new project."""

    slug = forms.SlugField(
        label=gettext_lazy("Slug"),
        max_length=50,
        help_text=gettext_lazy("Changes name the project by it, so it stays. Letters, figures and hyphens."),
    )
    organization = forms.ChoiceField(label=gettext_lazy("Organization"))
    field_order = ("organization", "name", "slug", "description", "specification")

    def __init__(self, *args: Any, organizations: Sequence[Organization], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        del self.fields["revision"]
        self.organizations = organizations
        if len(organizations) > 1:
            self.fields["organization"].choices = [(str(row.pk), row.name) for row in organizations]  # type: ignore[attr-defined]
        else:
            del self.fields["organization"]

    def organization_id(self) -> int:
        """The chosen one, or the only one."""
        return int(self.cleaned_data.get("organization") or self.organizations[0].pk)


class AtUpstreamForm(forms.Form):
    """Where a plan is."""

    upstream = forms.ChoiceField(label=gettext_lazy("Upstream"))

    def __init__(self, *args: Any, upstreams: Sequence[Upstream], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["upstream"].choices = [(str(row.pk), row.slug) for row in upstreams]  # type: ignore[attr-defined]

    def upstream_id(self) -> int:
        """The chosen one."""
        return int(self.cleaned_data["upstream"])


class KnownPlanForm(AtUpstreamForm):
    """A plan that the upstream has."""

    entity_id = forms.CharField(
        label=gettext_lazy("Its id at the upstream"),
        max_length=255,
        widget=forms.TextInput(attrs={"autocapitalize": "none", "spellcheck": "false"}),
        help_text=gettext_lazy("As it stands in the plan's address there."),
    )


class NewPlanForm(AtUpstreamForm):
    """A plan that is to be created."""

    title = forms.CharField(label=gettext_lazy("Title"), max_length=200)
    summary = forms.CharField(
        label=gettext_lazy("Summary"), max_length=2_000, required=False, widget=forms.Textarea(attrs={"rows": 3})
    )
    entity_id = forms.CharField(
        label=gettext_lazy("Id"),
        max_length=255,
        required=False,
        widget=forms.TextInput(attrs={"autocapitalize": "none", "spellcheck": "false"}),
        help_text=gettext_lazy("Left empty, it is made of the title."),
    )

    def id_or_made(self) -> str:
        """The id that was typed, or one made of the title."""
        said: str = self.cleaned_data["entity_id"]
        slug = re.sub(r"[^a-z0-9]+", "-", self.cleaned_data["title"].lower()).strip("-")[:60].strip("-")
        return said or f"{slug or ENTITY_TYPE}-{uuid7().hex[-6:]}"


def taking_plans(upstreams: Sequence[Upstream]) -> list[Upstream]:
    """Those that have a route for plans."""
    return [upstream for upstream in upstreams if ENTITY_TYPE in upstream.routes]


class SeenForm(forms.Form):
    """A form that tells what its reader saw, field by field (portal/projects/core/editing.py)."""

    def __init__(self, *args: Any, now: Mapping[str, str], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.now = now

    def seen(self) -> list[tuple[str, str]]:
        """The hidden fields: each name with the digest of what stands there now."""
        return [(SEEN + name, seen_of(value)) for name, value in self.now.items()]

    def overtaken(self, clashes: Mapping[str, str]) -> None:
        """Says beside each field that somebody else changed it, and what it says now."""
        for name, value in clashes.items():
            now = value if len(value) <= 300 else value[:299] + "…"
            sentence = _("Somebody else changed this after you opened it. Save again to put yours in its place.")
            self.add_error(name, sentence)
            if now:
                self.add_error(name, _("It says now: %s") % now)


def seen_in(data: QueryDict, *names: str) -> dict[str, str]:
    """What the reader saw, as the request tells it."""
    return {name: data.get(SEEN + name, "") for name in names}


class PlanForm(SeenForm):
    """The texts and the status of a plan."""

    title = forms.CharField(label=gettext_lazy("Title"), max_length=200)
    status = forms.ChoiceField(label=gettext_lazy("Status"), required=False)
    summary = forms.CharField(
        label=gettext_lazy("Summary"),
        max_length=2_000,
        required=False,
        strip=False,
        widget=forms.Textarea(attrs={"rows": 3}),
    )
    description = forms.CharField(
        label=gettext_lazy("Description"),
        max_length=200_000,
        required=False,
        strip=False,
        widget=forms.Textarea(attrs={"rows": 8}),
    )

    @classmethod
    def of(cls, view: PlanView, rules: Mapping[str, Any], data: QueryDict | None = None) -> "PlanForm":
        """The form of this plan."""
        now = {name: getattr(view, name) for name in PLAN_FIELDS}
        form = cls(data, initial=now, now=now)
        _offer(form, view.status, rules, data)
        return form

    def edit(self, data: QueryDict) -> PlanEdit:
        """What the person wants."""
        return PlanEdit({name: self.cleaned_data[name] for name in PLAN_FIELDS}, seen_in(data, *PLAN_FIELDS))


class StepForm(SeenForm):
    """The status, the notes and the criteria of a microstep."""

    status = forms.ChoiceField(label=gettext_lazy("Status"), required=False)
    notes = forms.CharField(
        label=gettext_lazy("Notes"),
        max_length=200_000,
        required=False,
        strip=False,
        widget=forms.Textarea(attrs={"rows": 4}),
    )
    met = forms.MultipleChoiceField(
        label=gettext_lazy("Acceptance criteria that are met"), required=False, widget=forms.CheckboxSelectMultiple
    )

    @classmethod
    def of(cls, step: Microstep, rules: Mapping[str, Any], data: QueryDict | None = None) -> "StepForm":
        """The form of this microstep."""
        met = sorted(one.id for one in step.criteria if one.met and one.id)
        now = {"status": step.status, "notes": step.notes, "met": "\n".join(met)}
        form = cls(data, initial={**now, "met": met}, now=now, prefix="")
        named = [(one.id, one.text) for one in step.criteria if one.id]
        if named:
            form.fields["met"].choices = named  # type: ignore[attr-defined]
        else:
            del form.fields["met"]
        _offer(form, step.status, rules, data)
        return form

    def edit(self, step: Microstep, data: QueryDict) -> StepEdit:
        """What the person wants."""
        met = (
            frozenset(self.cleaned_data["met"])
            if "met" in self.fields
            else frozenset(one.id for one in step.criteria if one.met and one.id)
        )
        values = {name: self.cleaned_data[name] for name in STEP_FIELDS}
        return StepEdit(step.key, values, met, seen_in(data, *STEP_FIELDS, "met"))


def _offer(form: forms.Form, now: str, rules: Mapping[str, Any], data: QueryDict | None) -> None:
    """The statuses to choose from; one that was chosen while the plan had another status may be sent again."""
    offered = choices(now, rules)
    said = data.get("status", "") if data else ""
    if said and said not in dict(offered):
        offered += [pair for pair in choices("", {}) if pair[0] == said]
    form.fields["status"].choices = offered  # type: ignore[attr-defined]
    form.fields["status"].required = bool(now)


class CommentForm(forms.Form):
    """A comment. `name` is its id, so that pressing twice makes one."""

    text = forms.CharField(
        label=gettext_lazy("New comment"), max_length=20_000, widget=forms.Textarea(attrs={"rows": 3})
    )
    name = forms.UUIDField(widget=forms.HiddenInput)

    @classmethod
    def new(cls) -> "CommentForm":
        """An empty one."""
        return cls(initial={"name": uuid7()}, auto_id="comment-%s")
