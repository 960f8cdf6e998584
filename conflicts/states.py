"""The states of a conflict, and every move between them.

(new) ──▶ OPEN ◀──────────────┐        a person is asked
  │        │ resolve     undo │        a person decided; the result is on its way
  │        ▼                  │
  │     DECIDED ──────────────┤        the upstream moved meanwhile: asked again, with every choice that still stands
  ▼        │                  │
MERGED ────┼──────────────────┘        rules decided alone; the result is on its way
  └────────┼─▶ DELIVERED               the upstream has it
           └─▶ WITHDRAWN               the item was cancelled
"""

from collections.abc import Mapping
from enum import IntEnum

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _


class ConflictState(IntEnum):
    """Where a conflict stands. The numbers sort by urgency; those below 60 are not over."""

    OPEN = 10
    DECIDED = 20
    MERGED = 30
    DELIVERED = 60
    WITHDRAWN = 80

    @property
    def slug(self) -> str:
        """The state's name in addresses and in the API: "open"."""
        return self.name.lower()


OVER = 60

WORDS: Mapping[ConflictState, str | Promise] = {
    ConflictState.OPEN: _("Open"),
    ConflictState.DECIDED: _("Decided"),
    ConflictState.MERGED: _("Merged"),
    ConflictState.DELIVERED: _("Delivered"),
    ConflictState.WITHDRAWN: _("Withdrawn"),
}
"""What each state is called."""
SIGNS: Mapping[ConflictState, str] = {
    ConflictState.OPEN: "conflict",
    ConflictState.DECIDED: "queued",
    ConflictState.MERGED: "queued",
    ConflictState.DELIVERED: "synced",
    ConflictState.WITHDRAWN: "cancelled",
}
"""The sign of each state in the pages' vocabulary."""
