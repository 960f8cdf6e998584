"""What a run found, made fit to be kept: no secrets, no control characters, no tricks of writing direction, and short."""

import base64
import json
import math
import re
import unicodedata
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from portal.kit.masking import MASK, mask_text
from resilience.health.targets.base import MOST_ERROR, MOST_METADATA, Finding, Question, Value

LONGEST_KEY = 40
LONGEST_VALUE = 200
_LONGEST_READ = 10_000
_SHORTEST_SECRET = 4

_ANSI = re.compile(
    r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)?|[PX^_][^\x1b]*(?:\x1b\\)?|[@-Z\\-_])|\x9b[0-?]*[ -/]*[@-~]"
)
_SPACE = re.compile(r"\s+")
_KEY = re.compile(r"[^A-Za-z0-9_.\-]")
_SECRET_KEY = re.compile(r"passw|secret|token|authorization|credential|api_?key|cookie|signature", re.IGNORECASE)


def tidy(finding: Finding, question: Question) -> Finding:
    """The finding as it may be kept."""
    hidden = sorted(set(_secrets(question.secret)), key=len, reverse=True)
    error = "" if finding.ok else plain(finding.error, hidden, MOST_ERROR) or "It failed without a word."
    return replace(finding, error=error, metadata=short(finding.metadata, hidden))


def plain(text: str, hidden: list[str], longest: int) -> str:
    """One line of visible characters, with what is secret hidden, cut to so many."""
    text = _ANSI.sub("", str(text)[:_LONGEST_READ])
    text = "".join(map(_visible, text)) if not text.isascii() or not text.isprintable() else text
    text = _SPACE.sub(" ", text).strip()
    for secret in hidden:
        text = text.replace(secret, MASK)
    text = mask_text(text)
    return text if len(text) <= longest else f"{text[: longest - 1]}…"


def short(metadata: Mapping[str, Any], hidden: list[str]) -> dict[str, Value]:
    """As much of the metadata as there is room for: names in plain letters, single values, 1,000 bytes of JSON."""
    kept: dict[str, Value] = {}
    size = 2
    for name, value in metadata.items():
        key = _KEY.sub("_", str(name))[:LONGEST_KEY]
        told = MASK if _SECRET_KEY.search(key) else _value(value, hidden)
        size += len(json.dumps({key: told}, ensure_ascii=False).encode()) + 2
        if size > MOST_METADATA:
            break
        kept[key] = told
    return kept


def _value(value: Any, hidden: list[str]) -> Value:
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, int):
        return value if abs(value) < 1 << 53 else float(min(max(value, -(10**300)), 10**300))
    if isinstance(value, float):
        return value if math.isfinite(value) else str(value)
    return plain(value, hidden, LONGEST_VALUE)


def _visible(letter: str) -> str:
    """A control, format (bidi, zero width), private or broken character is a space; every other is itself."""
    kind = unicodedata.category(letter)
    return " " if kind in ("Cc", "Zl", "Zp") else "" if kind in ("Cf", "Co", "Cs", "Cn") else letter


def _secrets(secret: Mapping[str, Any]) -> Iterator[str]:
    """Each text within the secret as it stands and as basic authentication writes it."""
    credentials = secret.get("credentials")
    if isinstance(credentials, Mapping) and credentials.get("type") == "basic":
        pair = f"{credentials.get('username', '')}:{credentials.get('password', '')}"
        yield base64.b64encode(pair.encode()).decode()
    for key, value in secret.items():
        if isinstance(value, Mapping):
            yield from _secrets(value)
        elif isinstance(value, str) and len(value) >= _SHORTEST_SECRET and key not in ("type", "username", "name"):
            yield value
