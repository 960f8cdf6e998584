"""What the list of items shows: rows, state chips, and the filters that are set."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from urllib.parse import urlencode
from zlib import crc32

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from portal.web.formats import MISSING, number
from portal.web.vocabulary import sign
from resilience.breakers.figures import most_attempts
from syncqueue.core.states import ItemState
from syncqueue.facts import Known
from syncqueue.listing import Filter
from syncqueue.models import Item
from syncqueue.reasons import Reason, reason

ORDER = (
    ItemState.QUEUED,
    ItemState.IN_FLIGHT,
    ItemState.RETRYING,
    ItemState.CONFLICT,
    ItemState.FAILED,
    ItemState.SYNCED,
    ItemState.SUPERSEDED,
    ItemState.CANCELLED,
)
AGES = ((60, "1\u00a0min"), (600, "10\u00a0min"), (3600, "1\u00a0h"), (86_400, "1\u00a0d"))


@dataclass(slots=True)
class Row:
    """One item as the list shows it. `version` changes whenever what is shown changes; `gone` no longer fits the filter;
    `asks` has a conflict that can be opened."""

    item: Item
    why: Reason
    attempts: str
    version: str
    gone: bool = False
    asks: bool = False

    @classmethod
    def of(cls, known: Known, now: datetime) -> "Row":
        """The row of an item."""
        item, why = known.item, reason(known, now)
        most = most_attempts(item.upstream)
        tried = f"{item.attempts} {_('of')} {most}" if item.sends else MISSING
        shown = f"{item.state} {item.sends} {tried} {why.text} {why.then} {item.lane.title}"
        return cls(item, why, tried, f"{crc32(shown.encode()):x}")

    @property
    def name(self) -> str:
        """What the entity is called: its title, else its id."""
        return self.item.lane.title or self.item.lane.entity_id

    @property
    def state(self) -> str:
        """The slug of its state."""
        return self.item.item_state.slug


@dataclass(frozen=True, slots=True)
class Chip:
    """A state with its count, leading to its rows."""

    slug: str
    word: str | Promise
    icon: str
    tone: str
    count: int
    shown: str
    current: bool
    finished: bool = False


def chips(asked: Filter, counts: Mapping[str, int]) -> list[Chip]:
    """The states with their counts; all open ones first, the finished ones last."""
    found = [Chip("", _("Open"), "", "", counts["open"], number(counts["open"]), not asked.state)]
    for state in ORDER:
        shown, count = sign(state.slug), counts[state.slug]
        text = number(count)
        found.append(
            Chip(state.slug, shown.word, shown.icon, shown.tone, count, text, asked.state == state.slug, not state.open)
        )
    return found


@dataclass(frozen=True, slots=True)
class Token:
    """A filter that is set, with the address of the list without it."""

    word: str
    href: str


def tokens(asked: Filter) -> list[Token]:
    """The filters that no control of the bar shows: the entity."""
    found = []
    if asked.entity:
        found.append(Token(str(_("Entity %s")) % asked.entity, address(replace(asked, entity=""))))
    return found


def address(asked: Filter) -> str:
    """The list's address with this filter."""
    names = ("state", "upstream", "kind", "project", "entity", "text", "older")
    query = urlencode({name: value for name in names if (value := getattr(asked, name))})
    return f"/resilience/queue?{query}" if query else "/resilience/queue"
