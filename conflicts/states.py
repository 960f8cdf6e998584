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

from enum import IntEnum


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
