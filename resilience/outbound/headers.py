"""What an upstream's own headers and credentials may be, and the headers that they become."""

import base64
import re
from collections.abc import Mapping
from typing import Any

from portal.kit.errors import Fault, Invalid
from portal.kit.jsontext import escape

MOST_HEADERS = 50
LONGEST_VALUE = 4_096

_TOKEN = re.compile(r"[!#$%&'*+\-.^_`|~0-9A-Za-z]{1,128}")
_VALUE = re.compile(r"[\x21-\x7e](?:[\t\x20-\x7e]*[\x21-\x7e])?")
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")

# The connection, the message's frame and its route belong to the client.
_FRAME = frozenset(
    (
        "host",
        "content-length",
        "transfer-encoding",
        "connection",
        "keep-alive",
        "upgrade",
        "te",
        "trailer",
        "expect",
        "proxy-authorization",
        "proxy-connection",
        "accept-encoding",
        "content-encoding",
        "x-http-method",
        "x-http-method-override",
        "x-method-override",
    )
)
# What a change is, under which condition it holds and who sends it, is said by the adapter and the credentials.
_OURS = frozenset(
    (
        "authorization",
        "cookie",
        "cookie2",
        "set-cookie",
        "idempotency-key",
        "content-type",
        "content-range",
        "range",
        "if-match",
        "if-none-match",
        "if-modified-since",
        "if-unmodified-since",
        "if-range",
    )
)


def validate_headers(headers: Any, pointer: str = "/headers") -> dict[str, str]:
    """An upstream's own headers, checked; raises Invalid with a pointer to each that cannot be sent."""
    if not isinstance(headers, Mapping):
        raise Invalid.at(pointer, "Headers are an object of names and values.")
    if len(headers) > MOST_HEADERS:
        raise Invalid.at(pointer, f"At most {MOST_HEADERS} headers can be set.")
    faults: list[Fault] = []
    seen: set[str] = set()
    for name, value in headers.items():
        why = _name_fault(name, _FRAME | _OURS) or _value_fault(value)
        if not why and name.lower() in seen:
            why = "The header is set twice."
        seen.add(str(name).lower())
        if why:
            faults.append(Fault(f"{pointer}/{escape(str(name))}", why))
    if faults:
        raise Invalid(faults[0].detail, faults=faults)
    return dict(headers)


def validate_credentials(credentials: Any, pointer: str = "/credentials") -> dict[str, str]:
    """Credentials, checked: {"type": "none"}, {"type": "basic", "username", "password"}, {"type": "bearer", "token"} or
    {"type": "header", "name", "value"}; raises Invalid with a pointer to each part that cannot be used."""
    if not isinstance(credentials, Mapping):
        raise Invalid.at(pointer, "Credentials are an object with a type.")
    wanted = {"none": (), "basic": ("username", "password"), "bearer": ("token",), "header": ("name", "value")}.get(
        str(credentials.get("type", "none"))
    )
    if wanted is None:
        raise Invalid.at(f"{pointer}/type", "The type is none, basic, bearer or header.")
    faults = [
        Fault(f"{pointer}/{escape(str(key))}", "This type has no such part.")
        for key in credentials
        if key not in (*wanted, "type")
    ]
    for part in wanted:
        why = _part_fault(part, credentials.get(part))
        if why:
            faults.append(Fault(f"{pointer}/{part}", why))
    if faults:
        raise Invalid(faults[0].detail, faults=faults)
    return {"type": str(credentials.get("type", "none")), **{part: credentials[part] for part in wanted}}


def private_headers(own: Mapping[str, str], credentials: Mapping[str, str] | None) -> dict[str, str]:
    """The headers that only the upstream itself may see: its own and its credentials."""
    headers = dict(own)
    match dict(credentials or {}):
        case {"type": "basic", "username": username, "password": password}:
            pair = f"{username}:{password}".encode()
            headers["Authorization"] = f"Basic {base64.b64encode(pair).decode()}"
        case {"type": "bearer", "token": token}:
            headers["Authorization"] = f"Bearer {token}"
        case {"type": "header", "name": name, "value": value}:
            headers = {key: kept for key, kept in headers.items() if key.lower() != name.lower()}
            headers[name] = value
    return headers


def _name_fault(name: Any, refused: frozenset[str]) -> str:
    if not isinstance(name, str) or not _TOKEN.fullmatch(name):
        return "A header's name is made of letters, digits and hyphens."
    if name.lower() in refused:
        return "Breakwater sets this header itself."
    return ""


def _value_fault(value: Any) -> str:
    if not isinstance(value, str):
        return "A header's value is a string."
    if len(value) > LONGEST_VALUE:
        return f"A header's value has at most {LONGEST_VALUE} characters."
    if value and not _VALUE.fullmatch(value):
        return (
            "A header's value is made of printable ASCII characters, without line breaks and without spaces around it."
        )
    return ""


def _part_fault(part: str, value: Any) -> str:
    if not isinstance(value, str) or (not value and part != "password"):
        return "This is needed."
    if len(value) > LONGEST_VALUE:
        return f"This has at most {LONGEST_VALUE} characters."
    match part:
        case "name":
            return _name_fault(value, _FRAME | (_OURS - {"authorization"}))
        case "token" | "value":
            return _value_fault(value)
        case "username" if ":" in value:
            return "A user name for basic authentication holds no colon."
    return "This holds a control character." if _CONTROL.search(value) else ""
