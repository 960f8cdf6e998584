"""What a document may not exceed for a merge to walk it."""

from typing import Any, Final

DEPTH: Final = 100
"""How many objects and lists may stand inside each other."""
_CONTAINERS: Final = (dict, list)


class TooDeep(ValueError):
    """The document is nested too deeply to be merged."""

    def __init__(self) -> None:
        super().__init__(f"The document is nested deeper than {DEPTH} levels.")


def check_depth(document: Any) -> None:
    """Raises TooDeep when objects and lists stand more than DEPTH deep inside each other."""
    level = [document]
    for _ in range(DEPTH):
        below: list[Any] = []
        for value in level:
            if isinstance(value, dict):
                below += value.values()
            elif isinstance(value, list):
                below += value
        level = [value for value in below if isinstance(value, _CONTAINERS)]
        if not level:
            return
    raise TooDeep
