"""What a waiting change does to a plan, in words."""

from dataclasses import dataclass

from django.utils.translation import gettext as _

from portal.projects.core.telling import Difference
from portal.projects.statuses import word_of

LONGEST = 120


@dataclass(frozen=True, slots=True)
class Told:
    """One place: "Status of Billing export", and the values before and after where they are short."""

    what: str
    before: str = ""
    after: str = ""


def told(found: Difference) -> Told:
    """The words of a difference."""
    what = _what(found) % {"about": found.about}
    if found.what == "status":
        return Told(what, str(word_of(found.before)), str(word_of(found.after)))
    long = found.what in ("notes", "description")
    return Told(what, "" if long else _cut(found.before), _cut(found.after))


def _what(found: Difference) -> str:
    of_a_step = {
        "title": _("Title of %(about)s"),
        "status": _("Status of %(about)s"),
        "notes": _("Notes of %(about)s"),
        "assignee": _("Assignee of %(about)s"),
        "met": _("Met: %(about)s"),
        "unmet": _("No longer met: %(about)s"),
        "criterion": _("Acceptance criterion: %(about)s"),
        "added": _("New microstep: %(about)s"),
        "removed": _("Removed microstep: %(about)s"),
        "comments": _("Comment by %(about)s"),
        "annotations": _("Annotation by %(about)s"),
        "other": _("Other fields of %(about)s"),
    }
    of_the_plan = {
        "title": _("Title"),
        "status": _("Status"),
        "summary": _("Summary"),
        "description": _("Description"),
        "owner": _("Owner"),
        "due": _("Due date"),
        "tags": _("Tags"),
        "phases": _("Phases"),
        "criteria": _("Acceptance criteria"),
        "comments": _("Comment"),
        "annotations": _("Annotation"),
        "files": _("Files"),
    }
    return (of_a_step if found.about else of_the_plan).get(found.what, _("Other fields"))


def _cut(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= LONGEST else line[: LONGEST - 1] + "…"
