"""The three-way merge of texts: by lines or sentences, with a suggestion by words where that is not enough."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from conflicts.core.decisions import Hunk
from conflicts.core.diff import Work, interned
from conflicts.core.diff3 import Stretch, diff3
from conflicts.core.pieces import Pieces, gives_way

WORDS: Final = 2_000
"""How many words a side of a hunk may have for a suggestion to be tried."""
LETTERS: Final = 40_000

_LINES = re.compile(r"[^\n]*\n|[^\n]+")
_SENTENCES = re.compile(r"[^\n]*?(?:[.!?…][\"'”’»)\]]* +|\n)|[^\n]+")
_CJK = r"[\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff][\u3099\u309a\ufe00-\ufe0f\U000e0100-\U000e01ef]*"
_MARKS = r"!-/:-@\[-`{-~\u00ab\u00bb\u2010-\u2027\u2030-\u205e\u3000-\u303f"
_WORDS = re.compile(rf"{_CJK}|[^\s{_MARKS}\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff]+|\s+|[{_MARKS}]|.", re.DOTALL)
"""Words, spaces and marks. What is no space and no mark belongs to a word, so that combining characters stay with theirs."""


@dataclass(frozen=True, slots=True)
class _Text:
    """A text's tokens, each ending as if it were followed by another, and whether the text really ends with a new line."""

    tokens: list[str]
    ended: bool | None

    def part(self, where: slice) -> str:
        """A stretch as it stands in the text."""
        text = "".join(self.tokens[where])
        at_end = self.ended is False and where.stop == len(self.tokens) and where.start < where.stop
        return text[:-1] if at_end else text


def _split(text: str, by: str) -> _Text:
    ended = text.endswith("\n") if text else None
    whole = text if ended or not text else text + "\n"
    return _Text((_SENTENCES if by == "sentences" else _LINES).findall(whole), ended)


def passages(text: str, by: str = "lines") -> list[str]:
    """The lines or sentences that hunks count, in order; together they are the text."""
    found = _split(text, by)
    return [*found.tokens[:-1], found.part(slice(len(found.tokens) - 1, len(found.tokens)))] if found.tokens else []


def merge_text(base: str, local: str, remote: str, by: str, work: Work) -> Pieces:
    """The hunks of three versions of a text. Whether it ends with a new line is settled apart from its last line."""
    texts = _split(base, by), _split(local, by), _split(remote, by)
    stretches = diff3(*interned(*(text.tokens for text in texts)), work=work, text=True)
    hunks = tuple(_hunk(number, stretch, texts, work) for number, stretch in enumerate(stretches))
    return Pieces(hunks, _builder(stretches, hunks, texts), glue=" " if by == "sentences" else "\n")


def _hunk(number: int, stretch: Stretch, texts: tuple[_Text, _Text, _Text], work: Work) -> Hunk:
    base, local, remote = (text.part(where) for text, where in zip(texts, stretch[:3], strict=True))
    suggestion = suggested(base, local, remote, work) if stretch.action == "conflict" else None
    where = stretch.base
    return Hunk(number, where.start, where.stop, base, local, remote, stretch.action, suggestion)


def _builder(
    stretches: list[Stretch], hunks: tuple[Hunk, ...], texts: tuple[_Text, _Text, _Text]
) -> Callable[[Callable[[Hunk], Any]], str]:
    base = texts[0]

    def build(outcome: Callable[[Hunk], Any]) -> str:
        outcomes = [outcome(hunk) for hunk in hunks]
        gone = gives_way(hunks, outcomes)
        parts, at = [], 0
        for hunk, stretch in zip(hunks, stretches, strict=True):
            parts += base.tokens[at : hunk.start]
            parts.append("" if hunk.number in gone else _ended(outcomes[hunk.number], stretch, texts))
            at = hunk.end
        text = "".join([*parts, *base.tokens[at:]])
        return text if _ends_in_line(hunks, outcomes, texts) else text.removesuffix("\n")

    return build


def _ended(text: str, stretch: Stretch, texts: tuple[_Text, _Text, _Text]) -> str:
    """A hunk's outcome, with the new line that whole lines have."""
    if not text or text.endswith("\n"):
        return text
    lasts = (side.tokens[where][-1:] for side, where in zip(texts, stretch[:3], strict=True))
    return text + "\n" if all(token.endswith("\n") for last in lasts for token in last) else text


def _ends_in_line(hunks: tuple[Hunk, ...], outcomes: list[str], texts: tuple[_Text, _Text, _Text]) -> bool | None:
    """Whether the text ends with a new line: as the side that a conflict at the end was given to, else as the sides make it."""
    base, local, remote = (text.ended for text in texts)
    last = hunks[-1] if hunks else None
    if last and last.asks and last.end == len(texts[0].tokens):
        for part, ended in ((last.base, base), (last.local, local), (last.remote, remote)):
            if outcomes[-1] == part and ended is not None:
                return ended
    return _three_way(base, local, remote)


def _three_way(base: bool | None, local: bool | None, remote: bool | None) -> bool | None:
    """Whether the merged text ends with a new line; an empty text (None) has no say."""
    if local is None or remote is None:
        return remote if local is None else local
    if local == base:
        return remote
    return local if remote == base else local or remote


def joined(one: str, other: str, glue: str) -> str:
    """Two passages one after the other, apart from each other."""
    return one + other if not one or one[-1].isspace() else f"{one}{glue}{other}"


def suggested(base: str, local: str, remote: str, work: Work) -> str | None:
    """What merging the words of three passages gives, where that is clean and they are not too long; None otherwise."""
    if max(len(base), len(local), len(remote)) > LETTERS or not base:
        return None
    words = [_WORDS.findall(text) for text in (base, local, remote)]
    if max(map(len, words)) > WORDS:
        return None
    stretches = diff3(*interned(*words), work=work, text=True)
    if any(stretch.action == "conflict" for stretch in stretches):
        return None
    parts, at = [], 0
    for stretch in stretches:
        parts += words[0][at : stretch.base.start]
        parts += words[1][stretch.local] if stretch.action == "local" else words[2][stretch.remote]
        at = stretch.base.stop
    return "".join([*parts, *words[0][at:]])
