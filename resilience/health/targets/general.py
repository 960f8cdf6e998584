"""Templates for what is no service in particular: one for each kind of target."""

import json
from collections.abc import Mapping
from typing import Any

from django.utils.translation import gettext_lazy as _

from portal.kit.errors import Fault, Invalid
from resilience.health.core.expect import GOOD_STATUS, OPS
from resilience.health.targets.dns import MATCHES, TYPES
from resilience.health.targets.fields import Built, Field, Template
from resilience.health.targets.http import METHODS
from resilience.health.targets.postgresql import MODES

Values = Mapping[str, Any]


def _choices(words: tuple[str, ...]) -> tuple[tuple[str, str], ...]:
    return tuple((word, word) for word in words)


def _set(**parts: Any) -> dict[str, Any]:
    """The parts that say something."""
    return {name: value for name, value in parts.items() if value not in (None, "", [], {}, False)}


def _host(label_example: str) -> Field:
    return Field("address", _("Host and port"), example=label_example)


_CA = Field(
    "ca",
    _("Authority"),
    _("The certificate, in PEM form, of the authority to believe instead of the system's."),
    kind="long",
    required=False,
)
_TLS = Field("tls", _("Encrypted"), _("Shakes hands (TLS) before anything is said."), kind="flag", required=False)


def _http(values: Values) -> Built:
    expectation = _expectation(values)
    options = _set(
        method=values["method"] if values["method"] != "GET" else "",
        status=values["status"] if values["status"] != GOOD_STATUS else "",
        body=values["body"],
        headers=_headers(values["headers"], "headers"),
        body_contains=values["contains"],
        body_matches=values["matches"],
        json=[expectation] if expectation else [],
        tls_days=values["tls_days"],
        ca=values["ca"],
    )
    credentials: dict[str, str] = {}
    if values["username"]:
        credentials = {"type": "basic", "username": values["username"], "password": values["password"]}
    elif values["token"]:
        credentials = {"type": "bearer", "token": values["token"]}
    secret = _set(credentials=credentials, headers=_headers(values["secret_headers"], "secret_headers"))
    return Built("http", values["url"], options, secret)


def _expectation(values: Values) -> dict[str, Any]:
    """What the JSON is to be, of three fields; the value is JSON, or else a text."""
    op = values["json_op"]
    if not op:
        return {}
    expectation = {"pointer": values["json_pointer"], "op": op}
    if op in ("exists", "not-empty"):
        return expectation
    try:
        return {**expectation, "value": json.loads(values["json_value"])}
    except ValueError:
        return {**expectation, "value": values["json_value"]}


def _headers(text: str, name: str) -> dict[str, str]:
    """Headers of lines such as "Accept: text/plain"."""
    lines = [line.partition(":") for line in text.splitlines() if line.strip()]
    if any(not colon for _name, colon, _value in lines):
        why = str(_("Each line is a name, a colon and a value."))
        raise Invalid(why, faults=[Fault(f"/values/{name}", why)])
    return {key.strip(): value.strip() for key, _colon, value in lines}


def _tcp(values: Values) -> Built:
    said = ("send", "expect", "expect_matches", "tls", "server_name", "ca")
    return Built("tcp", values["address"], _set(**{name: values[name] for name in said}))


def _dns(values: Values) -> Built:
    wanted = [line.strip() for line in values["expect"].splitlines() if line.strip()]
    options = {"type": values["type"], **_set(expect=wanted, server=values["server"])}
    return Built("dns", values["address"], {**options, "match": values["match"]} if wanted else options)


def _postgresql(values: Values) -> Built:
    options = {"user": values["user"], **_set(query=values["query"], ca=values["ca"])}
    if values["sslmode"] != "prefer":
        options["sslmode"] = values["sslmode"]
    return Built("postgresql", values["address"], options, _set(password=values["password"]), slow_after_ms=1_000)


def _redis(values: Values) -> Built:
    said = ("tls", "server_name", "ca", "database", "warn_percent", "fail_percent")
    secret = _set(username=values["username"], password=values["password"])
    return Built("redis", values["address"], _set(**{name: values[name] for name in said}), secret, slow_after_ms=250)


def _tls(values: Values) -> Built:
    options = {name: values[name] for name in ("fail_days", "warn_days")}
    return Built(
        "tls",
        values["address"],
        {**options, **_set(server_name=values["server_name"], ca=values["ca"])},
        interval=3_600,
    )


def _disk(values: Values) -> Built:
    return Built("disk", values["path"], {name: values[name] for name in ("fail_percent", "warn_percent")}, interval=60)


def _memory(values: Values) -> Built:
    return Built("memory", "", {name: values[name] for name in ("fail_percent", "warn_percent")}, interval=60)


def _function(values: Values) -> Built:
    bounds = {name: values[name] for name in ("at_least", "at_most") if values[name] is not None}
    return Built("function", values["function"], bounds)


_SERVER_NAME = Field(
    "server_name",
    _("Name in the certificate"),
    _("Where it is not the host's."),
    required=False,
    example="db.example.org",
)

GENERAL = (
    Template(
        "http",
        _("HTTP"),
        _(
            "Asks an address and checks the status, the text or the JSON of the answer, and the days left of its certificate."
        ),
        (
            Field("url", _("Address"), example="https://api.example.org/status"),
            Field("method", _("Method"), kind="choice", default="GET", required=False, choices=_choices(METHODS)),
            Field("body", _("Body"), _("What POST sends."), kind="long", required=False, example="{}"),
            Field(
                "status",
                _("Good statuses"),
                _("A number, a class or a range; several with commas."),
                required=False,
                default=GOOD_STATUS,
                example="200, 204, 3xx",
            ),
            Field("contains", _("Text in the answer"), required=False, example="all systems go"),
            Field(
                "matches",
                _("Pattern in the answer"),
                _("A regular expression without look-around and back-references (RE2)."),
                required=False,
                example="(?i)status: (ok|up)",
            ),
            Field(
                "json_pointer",
                _("Place in the JSON"),
                _("A JSON Pointer; empty is all of it."),
                required=False,
                example="/status",
            ),
            Field("json_op", _("What is expected there"), kind="choice", required=False, choices=_choices(OPS[:-1])),
            Field("json_value", _("Value"), _("As JSON, or a text."), required=False, example="ok"),
            Field(
                "tls_days",
                _("Days the certificate has to last"),
                kind="number",
                required=False,
                most=3_650,
                example="14",
            ),
            Field(
                "headers",
                _("Headers"),
                _("One a line: name, colon, value."),
                kind="long",
                required=False,
                example="Accept: application/json",
            ),
            Field("username", _("User name"), required=False),
            Field("password", _("Password"), kind="secret", required=False),
            Field("token", _("Bearer token"), kind="secret", required=False),
            Field(
                "secret_headers",
                _("Secret header"),
                _("A name, a colon, a value."),
                kind="secret",
                required=False,
                example="X-Api-Key: …",
            ),
            _CA,
        ),
        _http,
        {
            "/address": "url",
            "/options/body_contains": "contains",
            "/options/body_matches": "matches",
            "/options/json/0/pointer": "json_pointer",
            "/options/json/0/op": "json_op",
            "/options/json": "json_value",
            "/options/headers": "headers",
            "/secret/headers": "secret_headers",
            "/secret/credentials": "token",
            "/secret/credentials/username": "username",
            "/secret/credentials/password": "password",
        },
    ),
    Template(
        "tcp",
        _("TCP"),
        _("Connects to a port, and where told to says something and waits for an answer."),
        (
            _host("mail.example.org:25"),
            Field("send", _("Say"), _("Line ends are written \\r\\n."), required=False, example="PING\\r\\n"),
            Field("expect", _("Text that comes"), required=False, example="220 "),
            Field("expect_matches", _("Pattern that comes"), required=False, example="^SSH-2"),
            _TLS,
            _SERVER_NAME,
            _CA,
        ),
        _tcp,
    ),
    Template(
        "dns",
        _("DNS"),
        _("Looks a name up, and checks what it is looked up to."),
        (
            Field("address", _("Name"), example="www.example.org"),
            Field("type", _("Type of record"), kind="choice", required=False, default="A", choices=_choices(TYPES)),
            Field("expect", _("Expected values"), _("One a line."), kind="long", required=False, example="192.0.2.10"),
            Field(
                "match",
                _("How they are compared"),
                _("all: each is there; any: one is; exact: these and no others."),
                kind="choice",
                required=False,
                default="all",
                choices=_choices(MATCHES),
            ),
            Field(
                "server", _("Name server"), _("The system's where none is named."), required=False, example="9.9.9.9:53"
            ),
        ),
        _dns,
    ),
    Template(
        "postgresql",
        _("PostgreSQL"),
        _("Connects, and asks one question in a read-only transaction; keeps the time of both."),
        (
            Field("address", _("Host, port and database"), example="db.example.org:5432/shop"),
            Field("user", _("User"), _("One who may do no more than this."), example="monitor"),
            Field("password", _("Password"), kind="secret", required=False),
            Field(
                "query",
                _("Query"),
                _("One SELECT; without it, SELECT 1."),
                kind="long",
                required=False,
                example="SELECT count(*) FROM orders",
            ),
            Field("sslmode", _("Encryption"), kind="choice", required=False, default="prefer", choices=_choices(MODES)),
            _CA,
        ),
        _postgresql,
    ),
    Template(
        "redis",
        _("Redis"),
        _("Says PING, and reads how much of its memory is used."),
        (
            _host("cache.example.org:6379"),
            Field("username", _("User name"), required=False),
            Field("password", _("Password"), kind="secret", required=False),
            Field("database", _("Database"), kind="number", required=False, most=10_000, example="0"),
            Field(
                "warn_percent",
                _("Slow above, in percent of its memory"),
                kind="number",
                required=False,
                least=1,
                most=100,
                example="80",
            ),
            Field(
                "fail_percent",
                _("Failed above, in percent of its memory"),
                kind="number",
                required=False,
                least=1,
                most=100,
                example="95",
            ),
            _TLS,
            _SERVER_NAME,
            _CA,
        ),
        _redis,
    ),
    Template(
        "tls",
        _("Certificate"),
        _("Checks the chain and the name of a certificate, and the days that it has left."),
        (
            Field("address", _("Host"), _("With a port where it is not 443."), example="www.example.org"),
            Field("fail_days", _("Failed below, in days"), kind="number", required=False, default=7, most=3_650),
            Field("warn_days", _("Slow below, in days"), kind="number", required=False, default=21, most=3_650),
            _SERVER_NAME,
            _CA,
        ),
        _tls,
    ),
    Template(
        "disk",
        _("Disk"),
        _("How much of a disk of this machine is free."),
        (
            Field(
                "path",
                _("Path"),
                _("One that the operator allows (BREAKWATER_PROBE_PATHS)."),
                example="/var/lib/breakwater",
            ),
            Field(
                "fail_percent", _("Failed below, in percent free"), kind="number", required=False, default=5, most=100
            ),
            Field(
                "warn_percent", _("Slow below, in percent free"), kind="number", required=False, default=15, most=100
            ),
        ),
        _disk,
        {"/address": "path"},
    ),
    Template(
        "memory",
        _("Memory"),
        _("How much memory of this machine, or of its container, is available."),
        (
            Field(
                "fail_percent",
                _("Failed below, in percent available"),
                kind="number",
                required=False,
                default=5,
                most=100,
            ),
            Field(
                "warn_percent",
                _("Slow below, in percent available"),
                kind="number",
                required=False,
                default=10,
                most=100,
            ),
        ),
        _memory,
    ),
    Template(
        "function",
        _("Function of your own"),
        _("Calls a function that your code registered by a name."),
        (
            Field("function", _("Name"), _("The one under which it was registered."), example="stock"),
            Field("at_least", _("Failed below"), kind="number", required=False, least=-1e12, most=1e12),
            Field("at_most", _("Failed above"), kind="number", required=False, least=-1e12, most=1e12),
        ),
        _function,
        {"/address": "function"},
    ),
)
