"""Objects with locks that are made anew in a forked child, where the thread that held the old ones does not exist."""

import os
import weakref
from typing import Protocol


class Forked(Protocol):
    """What can be told that it now lives in a forked child."""

    def _after_fork(self) -> None: ...


_all: "weakref.WeakSet[Forked]" = weakref.WeakSet()


def renew_after_fork(thing: Forked) -> None:
    """Has `thing._after_fork()` called in every child that this process forks, for as long as the thing lives."""
    _all.add(thing)


def after_fork_in_child() -> None:
    """Makes all locks anew; Python calls it in a forked child."""
    for thing in list(_all):
        thing._after_fork()


if hasattr(os, "register_at_fork"):  # pragma: no branch - Windows has no fork
    os.register_at_fork(after_in_child=after_fork_in_child)
