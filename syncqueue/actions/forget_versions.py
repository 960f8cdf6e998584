"""After a restore: what lanes knew of their entities' versions is older than what the upstreams have."""

from syncqueue.models import Lane


def forget_versions() -> int:
    """How many lanes in which nothing waits have forgotten the version, so that the next change asks the upstream for it.

    A lane with open items keeps it: they were made on that version, and a newer one upstream is a conflict for a person to see.
    """
    stale = Lane.objects.unscoped().filter(depth=0).exclude(version="")
    return stale.update(version="", chain_base="", chain_client="")
