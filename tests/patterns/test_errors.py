"""Errors keep what they know through a pickle, cost nothing until they are read, and every error has a code."""

import errno
import pickle
import socket
import ssl
import urllib.error
from email.message import Message
from http import HTTPStatus
from types import SimpleNamespace

import pytest

from resilience.patterns.errors import (
    BulkheadFullError,
    CircuitOpenError,
    ConfigError,
    DeadlineExceeded,
    ResilienceError,
    RetryBudgetExhausted,
    UnknownPolicy,
    code_of,
)

pytestmark = pytest.mark.plain


class Coded(Exception):
    """An error that somebody else made, with whatever attributes."""

    def __init__(self, **known: object) -> None:
        super().__init__("x")
        self.__dict__.update(known)


ALL = [
    (
        CircuitOpenError("maps", 12.3456, "failure-rate"),
        "CIRCUIT_OPEN",
        "The breaker 'maps' is open (failure-rate); it admits calls again in 12.3 s.",
    ),
    (CircuitOpenError("maps"), "CIRCUIT_OPEN", "The breaker 'maps' is open."),
    (
        BulkheadFullError("db"),
        "BULKHEAD_QUEUE_FULL",
        "The call found no place in the bulkhead 'db'.",
    ),
    (
        BulkheadFullError("db", "queue-timeout"),
        "BULKHEAD_QUEUE_FULL",
        "The call waited too long for a place in the bulkhead 'db'.",
    ),
    (DeadlineExceeded(1.5), "TIMEOUT", "The call did not end within 1.5 s."),
    (DeadlineExceeded(2, "maps"), "TIMEOUT", "'maps' did not end within 2 s."),
    (RetryBudgetExhausted(), "RETRY_BUDGET_EXHAUSTED", "The retry budget is used up."),
    (RetryBudgetExhausted("db"), "RETRY_BUDGET_EXHAUSTED", "The retry budget of 'db' is used up."),
    (ConfigError("size", -1, "above 0"), "CONFIG_INVALID", "size must be above 0, not -1"),
    (
        UnknownPolicy("databse", ["api", "database"]),
        "POLICY_UNKNOWN",
        "No policy is called 'databse'. Did you mean 'database'? Known: api, database.",
    ),
    (UnknownPolicy("x"), "POLICY_UNKNOWN", "No policy is called 'x'. Known: none."),
]


@pytest.mark.parametrize(("error", "code", "text"), ALL, ids=lambda value: value if isinstance(value, str) else "")
def test_each_error_has_its_code_and_text_and_survives_a_pickle(error: ResilienceError, code: str, text: str) -> None:
    """Text, code and attributes are the same on the other side of a process boundary."""
    again = pickle.loads(pickle.dumps(error))
    assert type(again) is type(error)
    assert str(again) == str(error) == text
    assert again.code == error.code == code_of(error) == code
    assert again.__dict__ == error.__dict__
    assert isinstance(error, ResilienceError)


def test_what_an_error_knows_can_be_read() -> None:
    """Whoever catches one can act on its figures without parsing words."""
    refused = CircuitOpenError("maps", retry_after=3.0, reason="forced-open")
    assert (refused.name, refused.retry_after, refused.reason) == ("maps", 3.0, "forced-open")
    assert (CircuitOpenError("x").retry_after, CircuitOpenError("x").reason) == (None, "")
    full = BulkheadFullError("db")
    assert (full.name, full.reason) == ("db", "queue-full")
    late = DeadlineExceeded(1.5, "maps")
    assert (late.duration, late.name, late.errno) == (1.5, "maps", None)
    wrong = ConfigError("size", -1, "above 0")
    assert (wrong.field, wrong.value, wrong.must) == ("size", -1, "above 0")
    unknown = UnknownPolicy("databse", iter(["database", "api"]))
    assert (unknown.name, unknown.known, unknown.meant) == ("databse", ("api", "database"), "database")
    assert RetryBudgetExhausted("db").name == "db"


def test_errors_are_caught_by_the_builtin_kinds_they_are() -> None:
    """Code that knows nothing of the patterns catches a timeout, a bad value and a missing key."""
    assert isinstance(DeadlineExceeded(1), TimeoutError)
    assert isinstance(ConfigError("a", 1, "b"), ValueError)
    assert isinstance(UnknownPolicy("a"), KeyError)


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (Coded(code="RATE_LIMIT"), "RATE_LIMIT"),
        (Coded(code="", status=503), "503"),
        (Coded(status_code=HTTPStatus.TOO_MANY_REQUESTS), "429"),
        (Coded(status=100), "100"),
        (Coded(status=599), "599"),
        (Coded(status=99), ""),
        (Coded(status=600), ""),
        (Coded(code=504), "504"),
        (Coded(response=SimpleNamespace(status_code=502)), "502"),
        (Coded(response=SimpleNamespace(status=500)), "500"),
        (Coded(response=SimpleNamespace()), ""),
        (Coded(reason="because"), ""),
        (TimeoutError(), "TIMEOUT"),
        (ConnectionResetError(), "NETWORK_ERROR"),
        (socket.gaierror(), "NETWORK_ERROR"),
        (socket.herror(), "NETWORK_ERROR"),
        (ssl.SSLError(), "NETWORK_ERROR"),
        (OSError(errno.EHOSTUNREACH, "no route"), "NETWORK_ERROR"),
        (OSError(errno.ENOENT, "no file"), ""),
        (ValueError("x"), ""),
        (KeyboardInterrupt(), ""),
        (urllib.error.URLError(ConnectionRefusedError()), "NETWORK_ERROR"),
        (urllib.error.URLError(TimeoutError()), "TIMEOUT"),
        (urllib.error.HTTPError("http://x", 503, "no", Message(), None), "503"),
    ],
    ids=repr,
)
def test_every_error_has_a_code(error: BaseException, code: str) -> None:
    """An error's own code comes first, then its HTTP status, then what kind of trouble it is."""
    assert code_of(error) == code


def test_an_error_that_is_its_own_reason_does_not_lead_in_a_circle() -> None:
    """A malformed error costs no recursion."""
    error = Coded()
    error.__dict__["reason"] = error
    assert code_of(error) == ""
