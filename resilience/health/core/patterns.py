"""Patterns that people write, searched in time that grows with the text and never faster (RE2: no backtracking)."""

from functools import lru_cache
from typing import Any

import re2

LONGEST_PATTERN = 500
LARGEST_PROGRAM = 1_500
"""Steps that a pattern may compile to: the worst case is text times steps, some 0.6 s for 64 KiB."""
LONGEST_TEXT = 65_536


def pattern_fault(pattern: Any) -> str:
    """Why this is no pattern that can be searched for; empty when it is."""
    if not isinstance(pattern, str) or not pattern:
        return "A pattern is a text."
    if len(pattern) > LONGEST_PATTERN:
        return f"A pattern has at most {LONGEST_PATTERN} characters."
    try:
        program = _compiled(pattern)
    except re2.error as error:
        said = error.args[0] if error.args else ""
        why = said.decode(errors="replace") if isinstance(said, bytes) else str(said)
        return f"The pattern cannot be used: {why[:120]}. Look-around and back-references are not known here."
    return "The pattern is too large once it is written out." if program.programsize > LARGEST_PROGRAM else ""


def found(pattern: str, text: str) -> bool:
    """Whether the pattern occurs in the first 64 KiB of the text. Only for patterns without a fault."""
    return bool(_compiled(pattern).search(text[:LONGEST_TEXT]))


@lru_cache(maxsize=256)
def _compiled(pattern: str) -> Any:
    options = re2.Options()
    options.max_mem = 1 << 20
    options.log_errors = False
    return re2.compile(pattern, options)
