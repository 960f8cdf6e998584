"""What health registers with the packages below it when Django has started."""


def wire() -> None:
    """Registers the prober, the live topic, and what becomes of a new upstream."""
