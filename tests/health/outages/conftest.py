"""The people, an upstream of theirs, and callers of the REST API, as the tests of REST have them."""

from tests.rest.conftest import _fresh_limits, alice, bob, charlie, nobody, people, reader, upstream

__all__ = ["_fresh_limits", "alice", "bob", "charlie", "nobody", "people", "reader", "upstream"]
