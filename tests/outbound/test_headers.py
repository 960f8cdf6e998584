"""An upstream's own headers and credentials."""

from typing import Any

import pytest

from portal.kit.errors import Invalid
from resilience.outbound.headers import private_headers, validate_credentials, validate_headers

TAKEN = """Host Authorization cookie Content-Length transfer-encoding Connection Idempotency-Key If-Match If-None-Match
    X-HTTP-Method-Override"""


@pytest.mark.parametrize("name", [*TAKEN.split(), "", "a b", "a:b", "a\r\nb", "ä", "x" * 200])
def test_names_that_are_refused(name: str) -> None:
    """What the client or the adapter sets, and what is no name, is refused where it stands."""
    with pytest.raises(Invalid) as caught:
        validate_headers({"X-Fine": "1", name: "v"})
    assert [fault.pointer for fault in caught.value.faults] == [f"/headers/{name}"]


@pytest.mark.parametrize("value", ["a\r\nX: y", "a\nb", "\x00", " a", "a ", "é", 1, None, "x" * 5000])
def test_values_that_are_refused(value: Any) -> None:
    """Line breaks, control characters and what is no text are refused."""
    with pytest.raises(Invalid) as caught:
        validate_headers({"X-A": value})
    assert caught.value.faults[0].pointer == "/headers/X-A"


def test_the_same_name_twice() -> None:
    """Two spellings of one name are refused."""
    with pytest.raises(Invalid, match="twice"):
        validate_headers({"X-A": "1", "x-a": "2"})


def test_headers_that_are_fine() -> None:
    """Ordinary own headers pass unchanged."""
    headers = {"X-Client": "breakwater", "X-Empty": "", "Accept-Language": "de, en;q=0.5"}
    assert validate_headers(headers) == headers


@pytest.mark.parametrize(
    ("credentials", "pointer"),
    [
        ({"type": "magic"}, "/credentials/type"),
        ([], "/credentials"),
        ({"type": "basic", "password": "p"}, "/credentials/username"),
        ({"type": "basic", "username": "a:b", "password": "p"}, "/credentials/username"),
        ({"type": "basic", "username": "a", "password": "p\n"}, "/credentials/password"),
        ({"type": "bearer", "token": ""}, "/credentials/token"),
        ({"type": "bearer", "token": "a\r\nb"}, "/credentials/token"),
        ({"type": "header", "name": "Host", "value": "x"}, "/credentials/name"),
        ({"type": "header", "name": "X-Key"}, "/credentials/value"),
        ({"type": "none", "token": "x"}, "/credentials/token"),
    ],
)
def test_credentials_that_are_refused(credentials: Any, pointer: str) -> None:
    """Each kind has its parts, and a fault points at the part."""
    with pytest.raises(Invalid) as caught:
        validate_credentials(credentials)
    assert caught.value.faults[0].pointer == pointer


@pytest.mark.parametrize(
    ("credentials", "headers"),
    [
        ({"type": "none"}, {}),
        ({"type": "basic", "username": "ü", "password": ""}, {"Authorization": "Basic w7w6"}),
        ({"type": "bearer", "token": "t"}, {"Authorization": "Bearer t"}),
        ({"type": "header", "name": "X-Api-Key", "value": "k"}, {"X-Api-Key": "k"}),
    ],
)
def test_credentials_become_headers(credentials: dict[str, str], headers: dict[str, str]) -> None:
    """Each kind of credentials becomes one header, beside the upstream's own."""
    assert private_headers({"X-Own": "1"}, validate_credentials(credentials)) == {"X-Own": "1", **headers}
