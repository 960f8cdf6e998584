"""What conflicts register with the packages below them when Django has started."""

from conflicts import live
from portal.live.topics import register_snapshot


def wire() -> None:
    """Registers the live topic."""
    register_snapshot(live.TOPIC, live.snapshot, digest=live.digest, verbs=live.VERBS)
