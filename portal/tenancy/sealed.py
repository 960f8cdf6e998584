"""Where encrypted secrets are kept: whoever keeps some says so when its app starts, so that a rotation finds them all."""

_PLACES: dict[str, str] = {}


def register(model: str, field: str) -> None:
    """Says that a text field of a model ("app.Model") holds what portal.kit.secrets.encrypt gave."""
    _PLACES[model] = field


def places() -> list[tuple[str, str]]:
    """Every model and field that holds secrets."""
    return sorted(_PLACES.items())
