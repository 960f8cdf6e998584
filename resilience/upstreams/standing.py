"""How upstreams stand now, told by who knows: the queue registers what waits and whether the gate is closed."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class Standing:
    """What waits for an upstream and was ever delivered, and whether it is out: since when, why, and when it is tried next.

    One that answers and is left alone for a while (it asked for it, or refused the credentials) is `spared_until` then.
    """

    waiting: int = 0
    failed: int = 0
    conflicts: int = 0
    delivered: int = 0
    out_since: datetime | None = None
    next_try_at: datetime | None = None
    spared_until: datetime | None = None
    reason: str = ""


Provider = Callable[[Sequence[int]], Mapping[int, Standing]]
Restart = Callable[[int], None]
_provider: list[Provider] = []
_restart: list[Restart] = []


def register_standing(provider: Provider) -> None:
    """Makes `provider` the one that knows; the last one counts."""
    _provider[:] = [provider]


def register_restart(restart: Restart) -> None:
    """Makes `restart` what is called, in the same transaction, when an upstream is reached in another way; the last one counts."""
    _restart[:] = [restart]


def restart(upstream_id: int) -> None:
    """The upstream is tried at once: what was known of its being out or wanting rest was about another address or credentials."""
    for call in _restart:
        call(upstream_id)


def standings(upstream_ids: Sequence[int]) -> dict[int, Standing]:
    """The standing of each of these upstreams."""
    known = _provider[0](upstream_ids) if _provider and upstream_ids else {}
    return {upstream_id: known.get(upstream_id, Standing()) for upstream_id in upstream_ids}
