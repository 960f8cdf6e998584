"""A clock that stands still until it is told otherwise."""


class Clock:
    """Seconds, by hand: call it to read `now`, `advance` to move it."""

    def __init__(self, now: float = 1000.0) -> None:
        self.now = now

    def __call__(self) -> float:
        return self.now

    def advance(self, seconds: float) -> None:
        """Moves the clock; a negative number steps it back, as real ones do."""
        self.now += seconds
