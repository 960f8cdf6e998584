"""The inbox: what waits for a person, the oldest first, and what was settled lately."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import datetime
from uuid import UUID

from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from conflicts.delivery import delivery
from conflicts.models import Conflict, ConflictQuerySet, Draft
from conflicts.profiles import profile
from conflicts.states import OVER, SIGNS, WORDS, ConflictState
from portal.kit.errors import Invalid
from portal.kit.viewer import Viewer
from portal.web.formats import capped, number

PAGE = 50
LATELY = 12
CAP = 10_000
HEAVY = ("base", "local", "remote", "rules", "choices", "result")
STATES = {state.slug: state for state in ConflictState}


@dataclass(frozen=True, slots=True)
class Filter:
    """What to list, as it stands in the address; empty means any, for `state` what is open and what was settled lately."""

    state: str = ""
    upstream: str = ""
    kind: str = ""

    @classmethod
    def read(cls, query: Mapping[str, str]) -> "Filter":
        """The filter of an address. Raises Invalid for a state that does not exist."""
        found = cls(**{one.name: query.get(one.name, "").strip().replace("\x00", "") for one in fields(cls)})
        if found.state and found.state not in STATES:
            raise Invalid.at("/state", _("There is no state %s.") % found.state[:40])
        return found

    @property
    def narrow(self) -> bool:
        """Whether anything but the state is filtered."""
        return bool(self.upstream or self.kind)

    def rows(self, viewer: Viewer) -> ConflictQuerySet:
        """The conflicts of any state that fit."""
        found = Conflict.objects.for_org(viewer).select_related("upstream", "organization").defer(*HEAVY)
        if self.upstream:
            found = found.filter(upstream__slug=self.upstream)
        return found.filter(kind=self.kind) if self.kind else found


@dataclass(frozen=True, slots=True)
class Row:
    """A conflict in the list."""

    conflict: Conflict
    behind: int
    drafts: tuple[str, ...]
    mine: bool

    @property
    def name(self) -> str:
        """What the entity is called."""
        return self.conflict.title or self.conflict.entity_id

    @property
    def sign(self) -> str:
        """The state's sign in the vocabulary."""
        return SIGNS[self.conflict.conflict_state]

    @property
    def word(self) -> str | Promise:
        """The state's word."""
        return WORDS[self.conflict.conflict_state]

    @property
    def at(self) -> datetime:
        """When it was settled, as far as it is."""
        return self.conflict.finished_at or self.conflict.resolved_at or self.conflict.opened_at

    @property
    def how(self) -> str:
        """Who or what settled it."""
        conflict = self.conflict
        if conflict.conflict_state is ConflictState.WITHDRAWN:
            return _("Its item was cancelled.")
        if conflict.by_rule:
            n = conflict.decisions
            return ngettext("By rule, %(n)s decision.", "By rule, %(n)s decisions.", n) % {"n": number(n)}
        return _("By %s.") % conflict.resolved_by if conflict.resolved_by else ""


@dataclass(frozen=True, slots=True)
class Chip:
    """A state with its count, leading to its rows."""

    slug: str
    word: str | Promise
    shown: str
    current: bool
    over: bool


def waiting(viewer: Viewer, asked: Filter, after: str) -> tuple[list[Row], str]:
    """A page of what is open, the oldest first, and the cursor of the next one."""
    found = asked.rows(viewer).open()
    return _page(viewer, found.filter(pk__gt=_cursor(after)) if after else found)


def of_state(viewer: Viewer, asked: Filter, after: str) -> tuple[list[Row], str]:
    """A page of one state that is not open, the newest first, and the cursor of the next one."""
    found = asked.rows(viewer).filter(state=STATES[asked.state]).order_by("-id")
    return _page(viewer, found.filter(pk__lt=_cursor(after)) if after else found)


def lately(viewer: Viewer, asked: Filter) -> list[Row]:
    """What was settled last, the newest first."""
    found = asked.rows(viewer).exclude(state=ConflictState.OPEN).order_by("-id")[:LATELY]
    return _rows(viewer, list(found))


def chips(viewer: Viewer, asked: Filter) -> list[Chip]:
    """The states with their counts."""
    rows = asked.rows(viewer)
    return [
        Chip(state.slug, WORDS[state], capped(_count(rows, state)), asked.state == state.slug, state >= OVER)
        for state in ConflictState
    ]


def proof(viewer: Viewer, now: datetime) -> tuple[int, datetime | None]:
    """What an empty inbox says for itself: how many were settled by rule, and when the last one was opened."""
    settled = Conflict.objects.for_org(viewer).filter(
        resolved_by="", state__in=(ConflictState.MERGED, ConflictState.DELIVERED)
    )
    last = Conflict.objects.for_org(viewer).order_by("-id").values_list("opened_at", flat=True).first()
    return settled[:CAP].count(), last


def open_count(viewer: Viewer) -> int:
    """How many wait for a person, at most 10,000."""
    return Conflict.objects.for_org(viewer).open()[:CAP].count()


def _count(rows: ConflictQuerySet, state: ConflictState) -> int:
    return rows.filter(state=state).order_by()[:CAP].count()


def _cursor(text: str) -> UUID:
    try:
        return UUID(text)
    except ValueError:
        raise Invalid.at(
            "/after", _("This page's address is not one of ours. Start again at the first page.")
        ) from None


def _page(viewer: Viewer, found: ConflictQuerySet) -> tuple[list[Row], str]:
    rows = list(found[: PAGE + 1])
    return _rows(viewer, rows[:PAGE]), str(rows[PAGE - 1].pk) if len(rows) > PAGE else ""


def _rows(viewer: Viewer, found: Sequence[Conflict]) -> list[Row]:
    behind = delivery().behind(viewer, [one.item_id for one in found if one.state < OVER])
    drafts: dict[UUID, list[tuple[int, str]]] = {}
    pairs = Draft.objects.for_org(viewer).filter(conflict__in=[one.pk for one in found if one.state < OVER])
    for conflict_id, user_id, name in pairs.order_by("saved_at").values_list("conflict_id", "user_id", "name"):
        drafts.setdefault(conflict_id, []).append((user_id, name))
    return [_row(viewer, one, behind.get(one.item_id, 0), drafts.get(one.pk, [])) for one in found]


def _row(viewer: Viewer, one: Conflict, behind: int, drafts: Sequence[tuple[int, str]]) -> Row:
    names = tuple(name for user_id, name in drafts if user_id != viewer.user_id)
    return Row(one, behind, names, any(user_id == viewer.user_id for user_id, _name in drafts))


def kind_title(name: str) -> str:
    """What a kind is called."""
    return profile(name).title
