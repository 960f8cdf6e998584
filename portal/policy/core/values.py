"""How each kind of value is read from the file, and what it becomes in Python. A value that does not fit raises Wrong with the reason."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Protocol

from portal.policy.core.faults import Wrong
from portal.policy.core.tree import Items, Node, Scalar, Table
from portal.policy.core.words import listed, near, plain, short

_NUMBER = re.compile(r"[-+]?(\d[\d_]*)(\.\d*)?([eE][-+]?\d{1,3})?")
_MEASURED = re.compile(r"([-+]?\d+(?:\.\d+)?)\s*(ms|s|sec|seconds?|m|min|minutes?|h|hours?|d|days?)", re.IGNORECASE)
_PERCENT = re.compile(r"(\d+(?:\.\d+)?)\s*%")
SHARE = "of calls"
_SECONDS = {"m": 60.0, "s": 1.0, "h": 3_600.0, "d": 86_400.0}
_TRUE, _FALSE = frozenset({"true", "yes", "on"}), frozenset({"false", "no", "off"})
_NOTHING = frozenset({"", "~", "null", "off", "false", "no", "none"})
UNIT_SECONDS = {"ms": 0.001, "h": 3_600.0}
"""What one of a time's unit is in seconds."""


class Kind(Protocol):
    """A kind of value."""

    @property
    def unit(self) -> str:
        """The unit that it is written in, "" for none."""

    def read(self, node: Node) -> Any:
        """The value as the file writes it; raises Wrong."""

    def native(self, value: Any) -> Any:
        """What Python code gets for it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Number:
    """A number between two bounds (both allowed, but `above` is not). Times become seconds."""

    unit: str = ""
    least: float = 1
    most: float = 1_000_000
    above: float | None = None
    whole: bool = True
    optional: bool = False

    def read(self, node: Node) -> float | None:
        """The number, or None where it is off."""
        if not isinstance(node, Scalar):
            raise Wrong(f"This is {_sort(node)}. {self._wants()}")
        if self.optional and node.bare and node.text.lower() in _NOTHING:
            return None
        value = self._number(node)
        if (self.above is not None and value <= self.above) or value < self.least or value > self.most:
            raise Wrong(f"{self._with_unit(value)} is {self._outside(value)}. {self._wants()}")
        return value

    def native(self, value: Any) -> Any:
        """Seconds for a time, the number itself for the rest."""
        if value is None or self.unit not in UNIT_SECONDS:
            return value
        return value / 1_000 if self.unit == "ms" else float(value * UNIT_SECONDS[self.unit])

    def _number(self, node: Scalar) -> float:
        found = _NUMBER.fullmatch(node.text)
        if not node.bare:
            hint = " Write it without the quotes." if found else ""
            raise Wrong(f"“{short(node.text)}” is a text.{hint or ' ' + self._wants()}")
        if not found:
            raise Wrong(self._no_number(node.text))
        digits = found.group(1)
        if len(digits) > 1 and digits[0] == "0":
            raise Wrong(f"{short(node.text)} begins with 0, which some read as octal. Write it without.")
        if len(digits) > 15:
            raise Wrong(f"{short(node.text)} is far too large. {self._wants()}")
        value = float(node.text.replace("_", ""))
        if value != value or value in (float("inf"), float("-inf")):  # noqa: PLR0124 - NaN
            raise Wrong(f"{short(node.text)} is far too large. {self._wants()}")
        if value.is_integer():
            return int(value)
        if self.whole:
            raise Wrong(f"{short(node.text)} is no whole number. {self._wants()}")
        return value

    def _no_number(self, text: str) -> str:
        measured, percent = _MEASURED.fullmatch(text.strip()), _PERCENT.fullmatch(text.strip())
        if measured and self.unit in UNIT_SECONDS:
            written = measured.group(2).lower()
            seconds = float(measured.group(1)) * (0.001 if written == "ms" else _SECONDS[written[0]])
            value = round(seconds / UNIT_SECONDS[self.unit], 6)
            return f"{short(text)} has a unit. Write the number alone, in {_LONG[self.unit]}: {value:g}."
        if percent and self.unit == SHARE:
            return f"{short(text)} is a percentage. Write {float(percent.group(1)) / 100:g}."
        said = "There is no value." if text in ("", "~", "null") else f"“{short(text)}” is no number."
        return f"{said} {self._wants()}"

    def _outside(self, value: float) -> str:
        if value < 0:
            return "negative"
        if value > self.most:
            percent = self.unit == SHARE and value <= 100
            return f"above {self._with_unit(self.most)}" + (
                f" (for {value:g} % write {value / 100:g})" if percent else ""
            )
        return "too small"

    def _wants(self) -> str:
        low = f"above {plain(self.above)}" if self.above is not None else f"from {plain(self.least)}"
        what = "A whole number" if self.whole else "A number"
        unit = f" of {_LONG[self.unit]}" if self.unit in _LONG else ""
        return f"{what}{unit} {low} to {plain(self.most)} belongs here{', or off' if self.optional else ''}."

    def _with_unit(self, value: float) -> str:
        return f"{plain(value)} {self.unit}" if self.unit in _LONG else plain(value)


_LONG = {"ms": "milliseconds", "h": "hours", "calls": "calls", "attempts": "attempts", "items": "items"}


@dataclass(frozen=True, slots=True)
class Switch:
    """True or false."""

    unit: str = ""

    def read(self, node: Node) -> bool:
        """Whether it is on."""
        if isinstance(node, Scalar) and node.bare and node.text.lower() in _TRUE | _FALSE:
            return node.text.lower() in _TRUE
        raise Wrong(f"{_quoted(node)} true or false belongs here{', without quotes' if _is_quoted(node) else ''}.")

    def native(self, value: Any) -> Any:
        """Itself."""
        return value


@dataclass(frozen=True, slots=True)
class Choice:
    """One of a few words."""

    words: tuple[str, ...]
    unit: str = ""

    def read(self, node: Node) -> str:
        """The word."""
        if isinstance(node, Scalar):
            if node.text in self.words:
                return node.text
            raise Wrong(unknown(node.text, self.words))
        raise Wrong(f"{_quoted(node)} {listed(self.words)} belongs here.")

    def native(self, value: Any) -> Any:
        """Itself."""
        return value


@dataclass(frozen=True, slots=True)
class Choices:
    """A list of some of a few words, each once."""

    words: tuple[str, ...]
    unit: str = ""

    def read(self, node: Node) -> list[str]:
        """The words, in the file's order."""
        if not isinstance(node, Items):
            raise Wrong(f"{_quoted(node)} A list belongs here, as [{', '.join(self.words[:2])}].")
        words: list[str] = []
        wrong: list[Wrong] = []
        for item in node.items:
            try:
                word = Choice(self.words).read(item)
                if word in words:
                    raise Wrong(f"{word} stands here twice.")
                words.append(word)
            except Wrong as one:
                wrong.append(Wrong(one.reason, at=(item.line, item.column)))
        if wrong:
            raise Wrong(wrong[0].reason, at=wrong[0].at, further=tuple(wrong[1:]))
        return words

    def native(self, value: Any) -> Any:
        """A tuple of them."""
        return tuple(value)


@dataclass(frozen=True, slots=True)
class Endpoints:
    """Names, each with where it is found. What stands there can hold a password, so that no fault quotes it."""

    unit: str = ""
    most: int = 100

    def read(self, node: Node) -> dict[str, str]:
        """Name and address of each."""
        if not isinstance(node, Table):
            raise Wrong(
                f"{_quoted(node, quote=False)} Names with their addresses belong here, each on a line of its own."
            )
        found: dict[str, str] = {}
        for key, value in node.entries:
            if not isinstance(key, Scalar) or not key.text.strip() or len(key.text) > 100:
                raise Wrong("The name of an endpoint is a text of at most 100 characters.", at=(key.line, key.column))
            if key.text in found:
                raise Wrong(f"{short(key.text)} stands here for the second time.", at=(key.line, key.column))
            at = (value.line, value.column)
            if not isinstance(value, Scalar) or not 0 < len(value.text) <= 2_000 or not value.text.isprintable():
                raise Wrong(
                    f"The address of {short(key.text)} is a text on one line, of at most 2,000 characters.", at=at
                )
            if value.bare and value.text.lower() in {"~", "null"}:
                raise Wrong(f"{short(key.text)} has no address.", at=at)
            found[key.text] = value.text
        if len(found) > self.most:
            raise Wrong(f"There are more than {self.most} endpoints.")
        return found

    def native(self, value: Any) -> Mapping[str, str]:
        """Them, unchangeable."""
        return MappingProxyType(dict(value))


def unknown(word: str, known: tuple[str, ...]) -> str:
    """That there is no such word, with the one that is meant, or else with all."""
    meant = near(word, known)
    return f"“{short(word)}” is unknown here: {f'did you mean {meant}?' if meant else f'{listed(known)} belongs here.'}"


def _sort(node: Node) -> str:
    match node:
        case Items():
            return "a list"
        case Table():
            return "a group of keys"
        case _:
            return "a single value"


def _is_quoted(node: Node) -> bool:
    return isinstance(node, Scalar) and not node.bare


def _quoted(node: Node, *, quote: bool = True) -> str:
    if isinstance(node, Scalar) and node.bare and node.text in ("", "~", "null"):
        return "There is no value."
    return f"“{short(node.text)}” stands here." if isinstance(node, Scalar) and quote else f"This is {_sort(node)}."
