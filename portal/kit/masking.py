"""Secrets and personal data taken out of what is shown, logged or kept as a record.

It errs on the side of hiding: a field that is called like a secret is hidden whatever it holds. It runs for each attempt, so
a text is first searched for a few words (microseconds), and only what stands beside a word that was found is looked at closely.
"""

import re
from collections.abc import Iterator, Mapping
from functools import lru_cache

MASK = "••••"

_HEADER_WORDS = (
    "auth",
    "cookie",
    "token",
    "secret",
    "passw",
    "credential",
    "api-key",
    "apikey",
    "session",
    "signature",
)
_CHALLENGES = frozenset({"www-authenticate", "proxy-authenticate"})

_FIELD_WORDS = (
    "passw",
    "passphrase",
    "pwd",
    "secret",
    "token",
    "credential",
    "authorization",
    "signature",
    "cookie",
    "session",
    "api_key",
    "api-key",
    "apikey",
    "access_key",
    "access-key",
    "accesskey",
    "private_key",
    "privatekey",
)
_SCHEMES = ("bearer ", "basic ")
_LONGEST_NAME = 64

_NAME_ON = re.compile(r"[\w.\-]*")
_VALUE = re.compile(
    r"""\\*["']?\s*[:=]\s*(?:(?P<open>\\*["'])(?P<quoted>(?:(?!(?P=open))(?:[^\\]|\\.))*)"""
    r"""|(?P<block>\[[^\]]*\]?|\{[^}]*\}?)|(?P<bare>(?:(?:bearer|basic|digest)\s+)?[^\s,;&"'<>}\]]+))""",
    re.IGNORECASE | re.DOTALL,
)
_CREDENTIAL = re.compile(r"\s*[A-Za-z0-9._~+/=\-]{6,}")
_JWT = re.compile(r"eyJ[\w\-]{8,}\.[\w\-]{4,}(?:\.[\w\-]*)?")
_MAIL_BACK = re.compile(r"[\w.+\-]+\Z")
_USER_BACK = re.compile(r"://[^\s/?#\"'<>]+\Z")
_MAIL_ON = re.compile(r"@[\w\-]+(?:\.[\w\-]+)+")


def mask_headers(headers: Mapping[str, str]) -> dict[str, str]:
    """The headers with the values of secret ones hidden, and secrets within the others too."""
    return {name: _mask_header(name, value) for name, value in headers.items()}


def mask_text(text: str) -> str:
    """The text with bearer tokens, values of fields that are called like secrets, passwords in addresses and e-mail names hidden."""
    low = text.lower()
    if len(low) != len(text):  # a few capital letters become two characters: positions must stay what they are
        low = "".join(letter.lower() if letter.isascii() else letter for letter in text)
    spans = [*_fields(text, low), *_schemes(text, low), *_signed(text), *_people(text)]
    if not spans:
        return text
    spans.sort()
    parts: list[str] = []
    done = 0
    for start, end in spans:
        if start >= done:
            parts += (text[done:start], MASK)
        done = max(done, end)
    parts.append(text[done:])
    return "".join(parts)


def _mask_header(name: str, value: str) -> str:
    kind = _kind(name)
    return MASK if kind == "secret" else value if kind == "challenge" else mask_text(value)


@lru_cache(maxsize=1024)
def _kind(name: str) -> str:
    low = name.lower()
    if low in _CHALLENGES:
        return "challenge"
    return "secret" if any(word in low for word in _HEADER_WORDS) else "other"


def _fields(text: str, low: str) -> Iterator[tuple[int, int]]:
    for word in _FIELD_WORDS:
        at = low.find(word)
        while at >= 0:
            name = _NAME_ON.match(text, at + len(word))
            end = name.end() if name else at + len(word)
            value = _VALUE.match(text, end)
            if value:
                kind = value.lastgroup if value.lastgroup != "open" else "quoted"
                start, stop = value.span(kind or 0)
                if stop > start:
                    yield start, stop
                end = max(end, stop)
            at = low.find(word, end)


def _schemes(text: str, low: str) -> Iterator[tuple[int, int]]:
    for word in _SCHEMES:
        at = low.find(word)
        while at >= 0:
            end = at + len(word)
            found = _CREDENTIAL.match(text, end)
            if found:
                yield found.span()
                end = found.end()
            at = low.find(word, end)


def _signed(text: str) -> Iterator[tuple[int, int]]:
    at = text.find("eyJ")
    while at >= 0:
        found = _JWT.match(text, at)
        if found:
            yield found.span()
        at = text.find("eyJ", found.end() if found else at + 3)


def _people(text: str) -> Iterator[tuple[int, int]]:
    at = text.find("@")
    while at >= 0:
        start = max(0, at - _LONGEST_NAME * 2)
        user = _USER_BACK.search(text, start, at)
        if user:
            yield user.start() + 3, at
        elif _MAIL_ON.match(text, at):
            name = _MAIL_BACK.search(text, max(0, at - _LONGEST_NAME), at)
            if name:
                yield name.span()
        at = text.find("@", at + 1)
