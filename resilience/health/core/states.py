"""How a probe and a component can stand, the worst last."""

from enum import StrEnum


class State(StrEnum):
    """`NONE` is no data, which is never drawn as good; `MAINTENANCE` is a component's only, and counts in neither side of availability."""

    NONE = "none"
    MAINTENANCE = "maintenance"
    UP = "up"
    SLOW = "slow"
    DOWN = "down"

    @property
    def known(self) -> bool:
        """Whether it says how the component answers: up, slow or down."""
        return self in (State.UP, State.SLOW, State.DOWN)


URGENCY = {State.DOWN: 0, State.SLOW: 1, State.NONE: 2, State.MAINTENANCE: 3, State.UP: 4}
"""What comes first on a page."""


class Severity(StrEnum):
    """How bad an outage is."""

    MINOR = "minor"
    MAJOR = "major"
    CRITICAL = "critical"


class Importance(StrEnum):
    """How much a component weighs in the score; a critical one also caps it."""

    NORMAL = "normal"
    HIGH = "high"
    CRITICAL = "critical"
