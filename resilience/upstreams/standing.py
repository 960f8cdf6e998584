"""How upstreams stand now, told by who knows: the queue registers what waits, the breakers how an upstream is tried at once."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from portal.kit.viewer import Viewer
from resilience.upstreams.actions.test_connection import Tested, test_connection


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
Inflow = Callable[[int], float | None]
_provider: list[Provider] = []
_restart: list[Restart] = []
_test: list[Callable[..., Tested]] = [test_connection]
_inflow: list[Inflow] = []


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


def register_test(test: Callable[..., Tested]) -> None:
    """Makes `test` what tests a connection when a person asks for it (viewer=, upstream_id=); the last one counts."""
    _test[:] = [test]


def test(*, viewer: Viewer, upstream_id: int) -> Tested:
    """What the upstream answers to one request now; see actions/test_connection.py."""
    return _test[0](viewer=viewer, upstream_id=upstream_id)


def register_inflow(inflow: Inflow) -> None:
    """Makes `inflow` the one that knows how many changes come in for an upstream each minute; the last one counts."""
    _inflow[:] = [inflow]


def inflow(upstream_id: int) -> float | None:
    """How many changes came in for this upstream each minute of late; None when nobody knows. Who asks has checked that it may be seen."""
    return _inflow[0](upstream_id) if _inflow else None
