"""When sign-ins are refused unseen: after too many that failed, for one account or from one address."""

from collections.abc import Sequence
from datetime import datetime, timedelta

WINDOW = timedelta(minutes=15)
MOST_PER_ACCOUNT = 10
MOST_PER_ADDRESS = 30


def locked_until(account: Sequence[datetime], address: Sequence[datetime]) -> datetime | None:
    """When the next try may be made, from the earlier tries within the window; None when it may be made now."""
    ends = [_free(account, MOST_PER_ACCOUNT), _free(address, MOST_PER_ADDRESS)]
    return max((end for end in ends if end is not None), default=None)


def _free(tries: Sequence[datetime], most: int) -> datetime | None:
    """The moment at which fewer than `most` tries are left in the window."""
    return sorted(tries)[-most] + WINDOW if len(tries) >= most else None
