"""The duties of this portal. A higher package registers its own in its AppConfig.ready()."""

from collections.abc import Callable
from dataclasses import dataclass

from portal.duties.context import Context


@dataclass(frozen=True, slots=True)
class Duty:
    """Something that must always run somewhere, once. `run` goes on while `context.alive()`, and returns soon after."""

    name: str
    run: Callable[[Context], None]


_duties: dict[str, Duty] = {}


def register(duty: Duty) -> None:
    """Adds a duty; the same name again replaces it."""
    _duties[duty.name] = duty


def get(name: str) -> Duty:
    """The duty of that name. Raises KeyError when there is none."""
    return _duties[name]


def names() -> list[str]:
    """The names of all duties, sorted."""
    return sorted(_duties)
