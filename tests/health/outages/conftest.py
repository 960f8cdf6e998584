"""The people, an upstream of theirs, callers of the REST API, and browsers."""

from tests.rest.conftest import _fresh_limits, alice, bob, charlie, nobody, people, reader, upstream
from tests.web.conftest import browser_type_launch_args, visit, world

__all__ = [
    "_fresh_limits",
    "alice",
    "bob",
    "browser_type_launch_args",
    "charlie",
    "nobody",
    "people",
    "reader",
    "upstream",
    "visit",
    "world",
]
