"""A component whose history is made up, and a clock that stands still."""

from tests.health.watching import clock_at, watched  # noqa: F401 - fixtures
