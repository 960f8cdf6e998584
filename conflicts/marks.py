"""What a side made of a text, word by word: pieces that stayed, were struck out or put in. Pure."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from conflicts.core.diff import changes, interned

LONGEST = 20_000
"""Longer texts are shown as struck out and put in whole: their words would cost more than they tell."""
AROUND = 90
"""So many letters of what stayed are shown before and after a change."""
MOST = 1_200
"""So many letters of one stretch that changed are shown."""

_WORDS = re.compile(r"[\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff]|\w+|\s+|.", re.DOTALL)
_NO_WORD = re.compile(r"[\W_]*\Z")


@dataclass(frozen=True, slots=True)
class Piece:
    """A stretch of text; `mark` is "" for what stayed, "del" or "ins". `cut` says that some of it is not shown."""

    text: str
    mark: str = ""
    cut: bool = False


def words(base: str, side: str) -> tuple[Piece, ...]:
    """The side's text in pieces against the base's; the pieces without "del" are the side's text."""
    if base == side:
        return (Piece(side),) if side else ()
    if max(len(base), len(side)) > LONGEST:
        return tuple(Piece(text, mark) for text, mark in ((base, "del"), (side, "ins")) if text)
    old, new = _WORDS.findall(base), _WORDS.findall(side)
    pieces: list[Piece] = []
    at = 0
    before, after, _none = interned(old, new, ())
    for start, end, other_start, other_end in _joined(changes(before, after).found, old):
        pieces += _piece(old[at:start], "")
        pieces += _piece(old[start:end], "del")
        pieces += _piece(new[other_start:other_end], "ins")
        at = end
    return (*pieces, *_piece(old[at:], ""))


def _joined(found: Sequence[tuple[int, int, int, int]], old: list[str]) -> list[tuple[int, int, int, int]]:
    """The changes, those with nothing but spaces and marks between them as one: single words in between are hard to read."""
    joined: list[tuple[int, int, int, int]] = []
    for change in found:
        if joined and _NO_WORD.match("".join(old[joined[-1][1] : change[0]])) and _replaces(joined[-1], change):
            joined[-1] = (joined[-1][0], change[1], joined[-1][2], change[3])
        else:
            joined.append((change[0], change[1], change[2], change[3]))
    return joined


def _replaces(one: tuple[int, int, int, int], other: tuple[int, int, int, int]) -> bool:
    return all(change[0] < change[1] and change[2] < change[3] for change in (one, other))


def _piece(tokens: list[str], mark: str) -> list[Piece]:
    text = "".join(tokens)
    return [Piece(text, mark)] if text else []


def shortened(pieces: Sequence[Piece]) -> tuple[Piece, ...]:
    """The same with long stretches cut: of what stayed, the letters next to a change are kept."""
    last = len(pieces) - 1
    return tuple(_cut(piece, at_start=n == 0, at_end=n == last) for n, piece in enumerate(pieces))


def _cut(piece: Piece, *, at_start: bool, at_end: bool) -> Piece:
    text = piece.text
    if piece.mark or (at_start and at_end):
        return Piece(f"{text[:MOST]} …", piece.mark, cut=True) if len(text) > MOST + AROUND else piece
    if len(text) <= 3 * AROUND:
        return piece
    head = "" if at_start else text[:AROUND]
    tail = "" if at_end else text[-AROUND:]
    return Piece(f"{head} … {tail}".strip(" "), "", cut=True)
