"""One run: its bounds, and what may be kept of it."""

import asyncio
import json
import unicodedata
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from resilience.health import register_function
from resilience.health.targets import registry
from resilience.health.targets.base import MOST_ERROR, MOST_METADATA, Finding, Question, Tools
from resilience.health.targets.functions import forget_function
from resilience.health.targets.run import run
from resilience.health.targets.tidy import plain, tidy
from resilience.outbound.errors import OutboundError, TooManyRedirects, TransportFailure

pytestmark = pytest.mark.plain
QUESTION = Question("http", "https://x", secret={"credentials": {"type": "bearer", "token": "t-very-secret"}})


def test_kinds() -> None:
    """There are nine kinds, and each says what it is asked by."""
    assert registry.kinds() == ["http", "tcp", "dns", "postgresql", "redis", "tls", "disk", "memory", "function"]
    for kind in registry.kinds():
        assert registry.target(kind) is not None


@pytest.mark.parametrize(
    ("kind", "address", "host"),
    [
        ("http", "https://Api.Example/x?y", "api.example:443"),
        ("http", "nonsense", "nonsense"),
        ("tcp", "Mail.example:25", "mail.example:25"),
        ("postgresql", "postgresql://db.example/shop", "db.example:5432"),
        ("redis", "rediss://cache.example:1/", "cache.example:1"),
        ("dns", "x.example", ""),
        ("disk", "/", ""),
    ],
)
def test_hosts(kind: str, address: str, host: str) -> None:
    """What the limit per host goes by."""
    target = registry.target(kind)
    assert target is not None
    assert target.host(Question(kind, address)) == host


def test_an_unknown_kind() -> None:
    """A kind that there is not is refused."""
    assert [fault.pointer for fault in registry.faults("smtp", "x", {}, {})] == ["/kind"]


@pytest.mark.parametrize(
    "kind", ["http", "tcp", "dns", "postgresql", "redis", "tls", "disk", "memory", "function", "smtp"]
)
@pytest.mark.parametrize(
    "options", [{}, {"json": 3, "user": 4, "ca": 5, "server": 6, "expect": 7, "status": {}, "send": 1}]
)
async def test_nonsense_is_a_finding(shut: Tools, kind: str, options: dict[str, Any]) -> None:
    """A row that nobody checked is a finding, not an error."""
    found = await run(Question(kind, "\0nonsense", options, {"headers": 3}, 0.5), shut)
    assert not found.ok or kind == "memory"
    assert found.ok or found.error


@pytest.mark.parametrize(
    "kind", [*OutboundError.__subclasses__(), *TransportFailure.__subclasses__(), TooManyRedirects]
)
def test_what_is_asked_is_not_called_an_upstream(kind: type[OutboundError]) -> None:
    """A probe asks services too: whatever fails is said without the word, with and without a detail."""
    found = kind("port 25").brief()
    assert "upstream" not in found
    assert "port 25" in found.casefold()
    assert "upstream" not in kind().brief()
    assert kind().brief().endswith(".")


async def test_cancelling(tools: Tools) -> None:
    """A run that is cancelled ends at once, and is no finding."""

    async def hang() -> None:
        await asyncio.Event().wait()

    register_function("hang", hang)
    try:
        running = asyncio.ensure_future(run(Question("function", "hang"), tools))
        await asyncio.sleep(0)
        running.cancel()
        with pytest.raises(asyncio.CancelledError):
            await running
    finally:
        forget_function("hang")


@given(
    st.text(max_size=500),
    st.dictionaries(
        st.text(max_size=60), st.one_of(st.text(max_size=400), st.floats(), st.integers(), st.booleans(), st.none())
    ),
)
def test_whatever_comes_is_tidy(error: str, metadata: dict[str, Any]) -> None:
    """Of any words what is kept is short, valid, printable, on one line and without the secret."""
    found = tidy(Finding(False, 0.1, f"{error} t-very-secret {error}", {**metadata, "a": "t-very-secret"}), QUESTION)
    text = json.dumps(dict(found.metadata), allow_nan=False, ensure_ascii=False)
    assert len(text.encode()) <= MOST_METADATA
    assert 0 < len(found.error) <= MOST_ERROR
    shown = found.error + text
    assert "t-very-secret" not in shown
    assert not [letter for letter in shown if unicodedata.category(letter) in ("Cc", "Cf", "Cs", "Co", "Zl", "Zp")]


@pytest.mark.parametrize(
    ("said", "kept"),
    [
        ("a\x1b[1;31mb\x1b[0m", "ab"),
        ("a\x9b31mb", "ab"),
        ("\x1b]8;;http://evil\x07link\x1b]8;;\x07", "link"),
        ("a\r\n\tb   c", "a b c"),
        ("abc\u202edef\u2066\ufeff", "abcdef"),
        ("pass\u200bword=hunter2", "password=••••"),
        ("t-very-\x1b[0msecret", "••••"),
        ("x" * 400, "x" * 299 + "…"),
        ("Grüße, 日本 👍", "Grüße, 日本 👍"),
        ("\x00\x07", ""),
    ],
)
def test_words(said: str, kept: str) -> None:
    """Escapes, controls and directions go before what is secret is looked for, so that they cannot hide it."""
    assert plain(said, ["t-very-secret"], MOST_ERROR) == kept


def test_a_secret_in_its_other_form() -> None:
    """A password that comes back as basic authentication writes it is hidden as well; the user's name may be shown."""
    secret = {"credentials": {"type": "basic", "username": "alice", "password": "correct horse"}}
    said = Finding(False, 0.1, "alice sent YWxpY2U6Y29ycmVjdCBob3JzZQ== and correct horse")
    assert tidy(said, Question("http", "x", secret=secret)).error == "alice sent •••• and ••••"


def test_nothing_said() -> None:
    """A failure always has words."""
    assert tidy(Finding(False, 0.1, "\x07"), QUESTION).error == "It failed without a word."
    assert tidy(Finding(True, 0.1, "left over"), QUESTION).error == ""
