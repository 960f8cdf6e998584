"""What a topic that tells its state has shown to its readers, so that they are told only what changed since."""

import operator
from collections.abc import Callable, Mapping, Sequence
from typing import Any

MOST_GONE = 1_000
Data = Mapping[str, Any]


class Picture:
    """The last figures of a topic, with the position in the log at which each part of them came to be so.

    Figures are values by name. Those named in `rows` are lists of rows that have an `id`; a row changes as a whole, and the ids of
    rows that went stand under "removed". A row that is `alike` the one before stays as it was told.
    """

    def __init__(self, rows: Sequence[str], alike: Callable[[Any, Any], bool] = operator.eq) -> None:
        self._alike = alike
        self._rows: dict[str, dict[Any, Any]] = {name: {} for name in rows}
        self._values: dict[str, Any] = {}
        self._changed: dict[tuple[str, Any], int] = {}
        self._gone: dict[tuple[str, Any], int] = {}
        self._begun: int | None = None

    @property
    def empty(self) -> bool:
        """Whether nothing was taken yet."""
        return self._begun is None

    def take(self, figures: Data, position: int) -> dict[str, Any]:
        """Takes the present figures, read at `position` or after, and gives what changed; {} when nothing did."""
        changed: list[tuple[str, Any]] = []
        gone: list[tuple[str, Any]] = []
        for name, value in figures.items():
            if name not in self._rows:
                if name not in self._values or self._values[name] != value:
                    changed.append((name, None))
                self._values[name] = value
                continue
            before, after = self._rows[name], {row["id"]: row for row in value}
            same = {key for key, row in after.items() if key in before and self._alike(before[key], row)}
            after.update({key: before[key] for key in same})
            changed += [(name, key) for key in after if key not in same]
            gone += [(name, key) for key in before if key not in after]
            self._rows[name] = after
        for part in changed:
            self._gone.pop(part, None)
        for part in gone:
            self._changed.pop(part, None)
        self._changed.update(dict.fromkeys(changed, position))
        self._gone.update(dict.fromkeys(gone, position))
        if self._begun is None:
            self._begun = position
            return self.whole()
        while len(self._gone) > MOST_GONE:
            oldest = min(self._gone, key=lambda part: self._gone[part])
            self._begun = max(self._begun, self._gone.pop(oldest))
        return self._parts(changed, gone)

    def whole(self) -> dict[str, Any]:
        """All figures as they were last taken."""
        return {**self._values, **{name: list(rows.values()) for name, rows in self._rows.items()}}

    def since(self, position: int) -> dict[str, Any] | None:
        """What changed for one who was told everything up to `position`; None when the picture does not reach so far back."""
        if self._begun is None or position <= self._begun:
            return None
        changed = [part for part, at in self._changed.items() if at >= position]
        return self._parts(changed, [part for part, at in self._gone.items() if at >= position])

    def _parts(self, changed: Sequence[tuple[str, Any]], gone: Sequence[tuple[str, Any]]) -> dict[str, Any]:
        told: dict[str, Any] = {}
        for name, key in changed:
            if name in self._rows:
                told.setdefault(name, []).append(self._rows[name][key])
            else:
                told[name] = self._values[name]
        for name, key in gone:
            told.setdefault("removed", {}).setdefault(name, []).append(key)
        return told
