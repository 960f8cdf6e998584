"""Templates for services by name: Supabase, OpenAI, GitHub, Figma. Their real address is a default that a server of one's own replaces."""

import json
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

from django.utils.translation import gettext as say
from django.utils.translation import gettext_lazy as _

from portal.kit.errors import Fault, Invalid
from resilience.health.targets.fields import Built, Field, Template
from resilience.health.targets.http import MOST_READ
from resilience.health.targets.postgresql import MODES

Values = Mapping[str, Any]
OPENAI, GITHUB, FIGMA = "https://api.openai.com", "https://api.github.com", "https://api.figma.com"
_GITHUB_HEADERS = {"Accept": "application/vnd.github+json", "X-GitHub-Api-Version": "2022-11-28"}
_RATE = {"rate_limit_left": "header:x-ratelimit-remaining", "rate_limit": "header:x-ratelimit-limit"}
_DELIVERIES = 30


def _bearer(token: str) -> dict[str, Any]:
    return {"credentials": {"type": "bearer", "token": token}} if token else {}


def _supabase(key: str) -> dict[str, Any]:
    """Both headers that Supabase's gateway wants."""
    return {"headers": {"apikey": key}, **_bearer(key)}


def _at(base: str, *parts: str) -> str:
    """An address of path parts, each of them quoted whole."""
    return "/".join([base.rstrip("/"), *(quote(part, safe="") for part in parts)])


def _supabase_rest(values: Values) -> Built:
    address = f"{_at(values['url'], 'rest', 'v1', values['table'])}?select=*&limit=1"
    options = {"status": "200", "json": [{"pointer": "", "op": "exists"}], "keep": {"rows": ""}}
    return Built("http", address, options, _supabase(values["key"]), slow_after_ms=1_000)


def _supabase_postgresql(values: Values) -> Built:
    options = {"user": values["user"], "sslmode": values["sslmode"]}
    if values["table"]:
        options["query"] = f"SELECT count(*) FROM (SELECT 1 FROM {_quoted(values['table'])} LIMIT 1) AS first"  # noqa: S608  a quoted name
    if values["ca"]:
        options["ca"] = values["ca"]
    return Built("postgresql", values["address"], options, {"password": values["password"]}, slow_after_ms=1_000)


def _supabase_function(values: Values) -> Built:
    options: dict[str, Any] = {"method": "POST", "body": values["body"], "status": "2xx"}
    if values["contains"]:
        options["body_contains"] = values["contains"]
    address = _at(values["url"], "functions", "v1", values["function"])
    return Built("http", address, options, _supabase(values["key"]), slow_after_ms=2_000, interval=60)


def _openai(values: Values) -> Built:
    if values["answers"]:
        asked = {"model": values["model"], "max_completion_tokens": 1, "messages": [{"role": "user", "content": "1"}]}
        options: dict[str, Any] = {
            "method": "POST",
            "body": json.dumps(asked),
            "status": "200",
            "json": [{"pointer": "/choices", "op": "not-empty"}],
            "keep": {
                "model": "/model",
                "used": "/usage/total_tokens",
                "requests_left": "header:x-ratelimit-remaining-requests",
            },
        }
        address = _at(values["url"], "v1", "chat", "completions")
        return Built("http", address, options, _bearer(values["key"]), slow_after_ms=10_000, interval=300)
    options = {
        "status": "200",
        "json": [{"pointer": "/id", "op": "equals", "value": values["model"]}],
        "keep": {"model": "/id", "owner": "/owned_by"},
    }
    address = _at(values["url"], "v1", "models", values["model"])
    return Built("http", address, options, _bearer(values["key"]), slow_after_ms=2_000, interval=60)


def _github_repository(values: Values) -> Built:
    wanted: list[dict[str, Any]] = [{"pointer": "/full_name", "op": "not-empty"}]
    if values["push"]:
        wanted.append({"pointer": "/permissions/push", "op": "equals", "value": True})
    options = {
        "status": "200",
        "headers": _GITHUB_HEADERS,
        "json": wanted,
        "keep": {"repository": "/full_name", **_RATE},
    }
    address = _at(values["url"], "repos", *_repository(values))
    return Built("http", address, options, _bearer(values["token"]), slow_after_ms=2_000, interval=300)


def _github_webhook(values: Values) -> Built:
    good = [
        {"pointer": "/status_code", "op": op, "value": value} for op, value in (("at-least", 200), ("at-most", 299))
    ]
    wanted = {"pointer": "", "op": "every-share", "share": values["percent"] / 100, "of": good}
    options = {
        "status": "200",
        "headers": _GITHUB_HEADERS,
        "json": [wanted],
        "keep": {"last": "/0/status", "last_at": "/0/delivered_at", **_RATE},
        "read_bytes": 512 * 1024,
    }
    path = _at(values["url"], "repos", *_repository(values), "hooks", values["hook"], "deliveries")
    address = f"{path}?per_page={_DELIVERIES}"
    return Built("http", address, options, _bearer(values["token"]), slow_after_ms=3_000, interval=300)


def _figma(values: Values) -> Built:
    what = values["tokens"]
    path, place = {
        "variables": (("variables", "published"), "/meta/variables"),
        "styles": (("styles",), "/meta/styles"),
    }[what]
    options = {
        "status": "200",
        "json": [{"pointer": place, "op": "not-empty"}],
        "keep": {what: place},
        "read_bytes": MOST_READ,
    }
    address = _at(values["url"], "v1", "files", values["file"], *path)
    secret = {"credentials": {"type": "header", "name": "X-Figma-Token", "value": values["key"]}}
    return Built("http", address, options, secret, slow_after_ms=5_000, interval=300)


def _repository(values: Values) -> tuple[str, str]:
    owner, slash, name = values["repository"].partition("/")
    if not (owner and slash and name) or "/" in name or name in (".", ".."):
        why = say("This is an owner and a name, such as acme/shop.")
        raise Invalid(why, faults=[Fault("/values/repository", why)])
    return owner, name


def _quoted(table: str) -> str:
    """A table's name, perhaps with its schema, that cannot be anything else in a query."""
    if not all(part.isidentifier() and part.isascii() for part in table.split(".")) or table.count(".") > 1:
        why = say("This is a table, such as health_check or public.health_check.")
        raise Invalid(why, faults=[Fault("/values/table", why)])
    return ".".join(f'"{part}"' for part in table.split("."))


_PROJECT = Field("url", _("Project"), _("The address of the project."), example="https://abcdefgh.supabase.co")
_KEY = Field(
    "key", _("Key"), _("The publishable (anon) key does, where the table or function is open to it."), kind="secret"
)
_CA = Field(
    "ca", _("Authority"), _("Supabase's certificate in PEM form, for verify-full."), kind="long", required=False
)


def _base(default: str) -> Field:
    return Field("url", _("Address of the API"), required=False, default=default, example=default)


_GITHUB_FIELDS = (
    Field("repository", _("Repository"), example="acme/shop"),
    Field(
        "token",
        _("Token"),
        _("Needed for private repositories; it also raises the rate limit."),
        kind="secret",
        required=False,
    ),
)
_SUPABASE_PLACES = {"/address": "url", "/secret": "key"}

SERVICES = (
    Template(
        "supabase-rest",
        _("Supabase database (REST)"),
        _("Reads one row of a table through PostgREST: the gateway, the API and the database answer."),
        (_PROJECT, Field("table", _("Table"), required=False, default="health_check", example="health_check"), _KEY),
        _supabase_rest,
        _SUPABASE_PLACES,
    ),
    Template(
        "supabase-postgresql",
        _("Supabase database (PostgreSQL)"),
        _("Connects to the database and reads a row of a table; keeps the time to connect and that of the query."),
        (
            Field("address", _("Host, port and database"), example="db.abcdefgh.supabase.co:5432/postgres"),
            Field("user", _("User"), required=False, default="postgres", example="monitor"),
            Field("password", _("Password"), kind="secret"),
            Field("table", _("Table"), _("Without one, it asks SELECT 1."), required=False, example="health_check"),
            Field(
                "sslmode",
                _("Encryption"),
                kind="choice",
                required=False,
                default="require",
                choices=tuple((mode, mode) for mode in MODES),
            ),
            _CA,
        ),
        _supabase_postgresql,
        {"/options/query": "table"},
    ),
    Template(
        "supabase-function",
        _("Supabase edge function"),
        _("Calls an edge function, and checks that it ran and how long it took."),
        (
            _PROJECT,
            Field("function", _("Function"), example="hello"),
            _KEY,
            Field("body", _("Body"), _("What is sent to it, as JSON."), kind="long", required=False, default="{}"),
            Field("contains", _("Text in the answer"), required=False, example="ok"),
        ),
        _supabase_function,
        {**_SUPABASE_PLACES, "/options/body_contains": "contains"},
    ),
    Template(
        "openai-model",
        _("OpenAI model"),
        _("Checks that a model is there; or, which costs a token each time, that it answers."),
        (
            Field("model", _("Model"), example="gpt-4o-mini"),
            Field("key", _("Key"), kind="secret"),
            Field(
                "answers",
                _("Let it answer"),
                _("Asks for an answer of one token."),
                kind="flag",
                required=False,
                default=False,
            ),
            _base(OPENAI),
        ),
        _openai,
        {"/address": "url", "/secret": "key", "/options/json": "model", "/options/body": "model"},
    ),
    Template(
        "github-repository",
        _("GitHub repository"),
        _("Checks that a repository can be reached, and keeps how much of the rate limit is left."),
        (
            *_GITHUB_FIELDS,
            Field("push", _("The token may push"), kind="flag", required=False, default=False),
            _base(GITHUB),
        ),
        _github_repository,
        {"/address": "url", "/secret": "token"},
    ),
    Template(
        "github-webhook",
        _("GitHub webhook"),
        _("Checks how many of a webhook's last 30 deliveries arrived."),
        (
            _GITHUB_FIELDS[0],
            Field("hook", _("Webhook"), _("Its number, as in its address on GitHub."), example="412345678"),
            Field("token", _("Token"), _("One that may read the repository's webhooks."), kind="secret"),
            Field(
                "percent",
                _("Failed below, in percent that arrived"),
                kind="number",
                required=False,
                default=90,
                most=100,
            ),
            _base(GITHUB),
        ),
        _github_webhook,
        {"/address": "url", "/secret": "token", "/options/json": "percent"},
    ),
    Template(
        "figma-tokens",
        _("Figma design tokens"),
        _("Checks that a file has published variables or styles."),
        (
            Field("file", _("File"), _("Its key: the part after /design/ in its address."), example="AbCdEf123"),
            Field("key", _("Token"), kind="secret"),
            Field(
                "tokens",
                _("What are the tokens"),
                kind="choice",
                required=False,
                default="variables",
                choices=(("variables", _("Variables")), ("styles", _("Styles"))),
            ),
            _base(FIGMA),
        ),
        _figma,
        {"/address": "url", "/secret": "key"},
    ),
)
