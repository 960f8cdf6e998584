"""JSON as Breakwater takes it in, keeps it and compares it.

Stricter than the standard: what one reader would understand differently from another (duplicate keys, NaN, numbers beyond
a double) and what PostgreSQL cannot keep (NUL characters, lone surrogates) is refused, with a JSON Pointer (RFC 6901) to the place.

The common case is one pass of the standard library's scanner; only a text that is refused is read again, slowly, to name the place.
"""

import json
import math
import re
from hashlib import sha256
from typing import Any, Never

from portal.kit.errors import Invalid

DEPTH = 100
_LONGEST_NUMBER = 1_000

_TOKEN = re.compile(r'[ \t\n\r]+|[\[\]{}:,]|"(?:[^"\\\x00-\x1f]|\\.)*"|[^\s\[\]{}:,"]+|.', re.DOTALL)
_SUSPECT_ESCAPE = re.compile(r"\\u(?:0000|[dD][89a-fA-F])")
_UNSTORABLE = re.compile("[\x00\ud800-\udfff]")

_DUPLICATE = "The key appears twice."
_TOO_DEEP = "This is nested deeper than {depth} levels."
_NOT_A_NUMBER = "NaN and Infinity are no JSON numbers."
_TOO_BIG = "This number is too large."
_NUL = "A string may not contain the NUL character."
_SURROGATE = "A string may not contain half of a surrogate pair."
_BROKEN = "This is not valid JSON: {why} (line {line}, column {column})."
_NOT_UTF8 = "The text is not valid UTF-8 (byte {position})."


class _Suspicious(ValueError):
    """The fast scanner met something that is refused; the slow one says where."""


def parse(text: bytes | bytearray | str, *, max_depth: int = DEPTH) -> Any:
    """The value that a JSON text stands for; raises Invalid with a pointer to what is wrong."""
    if not isinstance(text, str):
        try:
            text = text.decode("utf-8")
        except UnicodeDecodeError as error:
            raise Invalid.at("", _NOT_UTF8.format(position=error.start)) from None
    try:
        value = _DECODER.decode(text)
    except (ValueError, RecursionError) as error:
        _explain(text, max_depth, error)
    brackets = text.count("[") + text.count("{")
    if brackets > max_depth or _SUSPECT_ESCAPE.search(text) or not (text.isascii() or _encodable(text)):
        check(value, max_depth=max_depth)
    return value


def load(text: bytes | str) -> Any:
    """The value of a text that `parse` has accepted or `dump` has written; nothing is checked again, and each integer is exact."""
    return json.loads(text)


def dump(value: Any) -> str:
    """The canonical text of a value: sorted keys, no spaces, characters as they are."""
    return _ENCODER.encode(value)


def digest(value: Any) -> str:
    """The SHA-256 of a value's canonical text, as 64 hexadecimal digits."""
    return sha256(_ENCODER.encode(value).encode()).hexdigest()


def check(value: Any, *, max_depth: int = DEPTH) -> None:
    """Raises Invalid for a value that was not read by `parse` and cannot be kept: too deep, NaN, NUL, keys that are no strings."""
    pending: list[tuple[Any, str, int]] = [(value, "", 0)]
    while pending:
        node, place, depth = pending.pop()
        if isinstance(node, str):
            _check_string(node, place)
        elif isinstance(node, float):
            if not math.isfinite(node):
                raise Invalid.at(place, _NOT_A_NUMBER)
        elif isinstance(node, dict | list | tuple):
            if depth >= max_depth:
                raise Invalid.at(place, _TOO_DEEP.format(depth=max_depth))
            if isinstance(node, dict):
                for key, child in node.items():
                    if not isinstance(key, str):
                        raise Invalid.at(place, "Keys are strings.")
                    _check_string(key, place)
                    pending.append((child, f"{place}/{escape(key)}", depth + 1))
            else:
                pending.extend((child, f"{place}/{index}", depth + 1) for index, child in enumerate(node))
        elif node is not None and not isinstance(node, bool | int):
            raise Invalid.at(place, "JSON has no such kind of value.")


def escape(key: str) -> str:
    """A key as one step of a JSON Pointer."""
    return key.replace("~", "~0").replace("/", "~1")


def line_of(text: str, pointer: str, *, max_depth: int = DEPTH) -> int:
    """The line (from 1) at which the value of a pointer begins in a JSON text, or its key; where the text breaks, if that is before.

    Of a key that appears twice it is the second.
    """
    walk, depth = _Walk(max_depth), pointer.count("/")
    found = -1
    for token in _TOKEN.finditer(text):
        word = token[0]
        value = word[0] not in " \t\n\r,:"
        here = value and found < 0 and not walk.expects_key and walk.stands_at(pointer, depth)
        try:
            walk.take(word)
        except Invalid as error:
            if found < 0 or error.faults[0].pointer == pointer:
                found = token.start()
            break
        if here or (found < 0 and word[0] == '"' and walk.stands_at(pointer, depth)):
            found = token.start()
    return text.count("\n", 0, len(text) if found < 0 else found) + 1


def _check_string(text: str, place: str) -> None:
    found = _UNSTORABLE.search(text)
    if found:
        raise Invalid.at(place, _NUL if found[0] == "\x00" else _SURROGATE)


def _encodable(text: str) -> bool:
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        return False
    return True


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    result = dict(pairs)
    if len(result) != len(pairs):
        raise _Suspicious(_DUPLICATE)
    return result


def _float(text: str) -> float:
    value = float(text)
    if value - value != 0.0:  # infinite
        raise _Suspicious(_TOO_BIG)
    return value


def _int(text: str) -> int:
    if len(text) > _LONGEST_NUMBER:
        raise _Suspicious(_TOO_BIG)
    return int(text)


def _constant(text: str) -> Never:
    raise _Suspicious(_NOT_A_NUMBER)


_DECODER = json.JSONDecoder(object_pairs_hook=_object, parse_float=_float, parse_int=_int, parse_constant=_constant)
_ENCODER = json.JSONEncoder(sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)


def _explain(text: str, max_depth: int, error: Exception) -> Never:
    """Reads the text token by token and raises Invalid at the first thing that is wrong."""
    walk = _Walk(max_depth)
    end = error.pos if isinstance(error, json.JSONDecodeError) else len(text)
    for token in _TOKEN.finditer(text):
        if token.start() >= end:
            break
        walk.take(token[0])
    if isinstance(error, json.JSONDecodeError):
        why = error.msg[:1].lower() + error.msg[1:]
        raise Invalid.at(walk.pointer(), _BROKEN.format(why=why, line=error.lineno, column=error.colno)) from None
    raise Invalid.at("", str(error)) from None


class _Walk:
    """Where in the document a reader stands, token by token."""

    def __init__(self, max_depth: int) -> None:
        self._max_depth = max_depth
        self._path: list[str | int] = []
        self._keys: list[set[str] | None] = []  # of each open object; None for an array
        self._wants_key = False

    @property
    def expects_key(self) -> bool:
        return self._wants_key

    def stands_at(self, pointer: str, depth: int) -> bool:
        return len(self._path) - self._wants_key == depth and self.pointer() == pointer

    def pointer(self) -> str:
        known = self._path[:-1] if self._wants_key else self._path  # no key was read yet: the object itself
        return "".join(f"/{escape(step) if isinstance(step, str) else step}" for step in known)

    def take(self, word: str) -> None:
        match word[0]:
            case "{" | "[":
                self._open(is_object=word == "{")
            case "}" | "]":
                if self._keys:
                    self._keys.pop()
                    self._path.pop()
                self._wants_key = False
            case ",":
                if self._keys and self._keys[-1] is None:
                    self._path[-1] = int(self._path[-1]) + 1
                else:
                    self._wants_key = bool(self._keys)
            case '"':
                self._string(word)
            case ":" | " " | "\t" | "\n" | "\r":
                pass
            case _:
                self._scalar(word)

    def _open(self, *, is_object: bool) -> None:
        if len(self._keys) >= self._max_depth:
            raise Invalid.at(self.pointer(), _TOO_DEEP.format(depth=self._max_depth))
        self._keys.append(set() if is_object else None)
        self._path.append("" if is_object else 0)
        self._wants_key = is_object

    def _string(self, token: str) -> None:
        keys = self._keys[-1] if self._keys else None
        if not self._wants_key or keys is None:
            return
        try:
            key = json.loads(token)
        except ValueError:
            return
        self._path[-1] = key
        self._wants_key = False
        if key in keys:
            raise Invalid.at(self.pointer(), _DUPLICATE)
        keys.add(key)

    def _scalar(self, token: str) -> None:
        if token.lstrip("-") in ("NaN", "Infinity"):
            raise Invalid.at(self.pointer(), _NOT_A_NUMBER)
        if token[0] in "-0123456789":
            try:
                _DECODER.decode(token)
            except json.JSONDecodeError:
                return
            except ValueError:
                raise Invalid.at(self.pointer(), _TOO_BIG) from None
