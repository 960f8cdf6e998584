"""Templates: what each checks, against stand-ins of the services and real servers."""

from collections.abc import AsyncIterator
from typing import Any

import psycopg
import pytest
import pytest_asyncio

from portal.kit.errors import Invalid
from resilience.health import register_function
from resilience.health.targets import registry
from resilience.health.targets.base import Finding, Question, Tools
from resilience.health.targets.fields import Built, Field, Template
from resilience.health.targets.functions import forget_function
from resilience.health.targets.run import run
from resilience.health.targets.templates import template, templates
from tests.support.kinto import running_kinto
from tests.support.postgres import running_postgres
from tests.support.services import KEY, Services, running_services

pytestmark = pytest.mark.plain
KEYED = {
    "supabase-rest": "key",
    "supabase-function": "key",
    "openai-model": "key",
    "github-repository": "token",
    "github-webhook": "token",
    "figma-tokens": "key",
}
VALUES: dict[str, dict[str, Any]] = {
    "supabase-rest": {},
    "supabase-function": {"function": "hello", "contains": "ok"},
    "openai-model": {"model": "gpt-4o-mini"},
    "github-repository": {"repository": "acme/shop"},
    "github-webhook": {"repository": "acme/shop", "hook": "42"},
    "figma-tokens": {"file": "F1"},
}
MINIMAL: dict[str, dict[str, Any]] = {
    **{name: {**values, "url": "https://x.example", KEYED[name]: KEY} for name, values in VALUES.items()},
    "supabase-postgresql": {"address": "db.example:5432/postgres", "password": "p-4711"},
    "http": {"url": "https://x.example"},
    "tcp": {"address": "x.example:25"},
    "dns": {"address": "x.example"},
    "postgresql": {"address": "db.example/shop", "user": "monitor"},
    "redis": {"address": "cache.example"},
    "tls": {"address": "x.example"},
    "disk": {"path": ""},
    "memory": {},
    "function": {"function": "stock"},
}


@pytest_asyncio.fixture
async def services() -> AsyncIterator[Services]:
    """The stand-ins."""
    async with running_services() as running:
        yield running


def build(name: str, values: dict[str, Any]) -> Built:
    """What a template makes."""
    found = template(name)
    assert found is not None
    return found.build(values)


async def ask(built: Built, tools: Tools) -> Finding:
    """What the probe that was made finds."""
    assert registry.faults(built.kind, built.address, built.options, built.secret) == []
    return await run(Question(built.kind, built.address, built.options, built.secret, 5.0), tools)


@pytest.mark.parametrize("name", VALUES)
async def test_services_that_are_well(tools: Tools, services: Services, name: str) -> None:
    """Each service that is well is found to be so, and the key does not show."""
    built = build(name, {**VALUES[name], "url": services.address, KEYED[name]: KEY})
    found = await ask(built, tools)
    assert found.ok, (found, services.asked)
    assert KEY not in str(found)
    assert KEY not in str(built)
    assert built.slow_after_ms


@pytest.mark.parametrize("name", VALUES)
async def test_a_key_that_is_refused(tools: Tools, services: Services, name: str) -> None:
    """A key that the service does not take is a failure, and neither it nor the answer shows."""
    found = await ask(build(name, {**VALUES[name], "url": services.address, KEYED[name]: "key-of-nobody"}), tools)
    assert found.error.startswith("It answered 401, not ")
    assert "key-of-nobody" not in str(found)


async def test_supabase_rows(tools: Tools, services: Services) -> None:
    """The database behind PostgREST is asked for one row, and answers with as many as it has."""
    services.rows = []
    found = await ask(build("supabase-rest", {"url": services.address, "key": KEY}), tools)
    assert found.ok
    assert found.metadata["rows"] == 0
    assert services.asked[0][1] == "/rest/v1/health_check?select=*&limit=1"


async def test_openai_answers(tools: Tools, services: Services) -> None:
    """A model that is not there is a failure; one that is to answer is asked for one token."""
    values = {"url": services.address, "key": KEY}
    gone = await ask(build("openai-model", {**values, "model": "gpt-0"}), tools)
    said = await ask(build("openai-model", {**values, "model": "gpt-4o-mini", "answers": "on"}), tools)
    silent = await ask(build("openai-model", {**values, "model": "gpt-0", "answers": True}), tools)
    assert gone.error == "It answered 404, not 200."
    assert said.ok, said
    assert said.metadata["used"] == 9
    assert silent.error == "It answered 404, not 200."


async def test_github_rights(tools: Tools, services: Services) -> None:
    """What is left of the rate limit is kept; a token that may not push fails where it is to push."""
    values = {"url": services.address, "repository": "acme/shop", "token": KEY}
    found = await ask(build("github-repository", values), tools)
    may_not = await ask(build("github-repository", {**values, "push": True}), tools)
    assert (found.metadata["rate_limit_left"], found.metadata["rate_limit"]) == ("4987", "5000")
    assert found.metadata["repository"] == "acme/shop"
    assert may_not.error == "/permissions/push is false, not true."


@pytest.mark.parametrize(
    ("deliveries", "error"),
    [
        ([], ""),
        ([200] * 27 + [502] * 3, ""),
        ([200] * 26 + [502] * 4, "Of 30 in the answer, 87% are good, not 90%."),
        ([0] * 3, "Of 3 in the answer, 0% are good, not 90%."),
    ],
)
async def test_github_deliveries(tools: Tools, services: Services, deliveries: list[int], error: str) -> None:
    """The share of the last deliveries that arrived is held against the bound, and kept."""
    services.deliveries = deliveries
    values = {"url": services.address, "repository": "acme/shop", "hook": "42", "token": KEY}
    found = await ask(build("github-webhook", values), tools)
    assert found.error == error
    assert found.metadata["of"] == len(deliveries)


async def test_figma_without_tokens(tools: Tools, services: Services) -> None:
    """A file that has no variables, or no styles, is a failure; how many there are is kept."""
    values = {"url": services.address, "file": "F1", "key": KEY}
    full = await ask(build("figma-tokens", values), tools)
    styles = await ask(build("figma-tokens", {**values, "tokens": "styles"}), tools)
    services.variables = {}
    empty = await ask(build("figma-tokens", values), tools)
    assert full.metadata["variables"] == 1
    assert styles.error == "/meta/styles is empty."
    assert empty.error == "/meta/variables is empty."


async def test_supabase_by_postgresql(tools: Tools) -> None:
    """The time to connect and the time of the query are both kept; a table that is gone is a failure."""
    with running_postgres(max_connections=10) as server:
        with psycopg.connect(server.url(), autocommit=True) as connection:
            connection.execute("CREATE TABLE health_check (id int)")
        values = {"address": f"127.0.0.1:{server.port}/postgres", "password": "p-4711", "sslmode": "disable"}
        good = await ask(build("supabase-postgresql", {**values, "table": "public.health_check"}), tools)
        gone = await ask(build("supabase-postgresql", {**values, "table": "gone"}), tools)
    assert good.ok, good
    assert {"connect_ms", "query_ms"} <= set(good.metadata)
    assert 'relation "gone" does not exist' in gone.error


async def test_any_other(tools: Tools) -> None:
    """Any other service, here a Kinto, is asked by HTTP."""
    with running_kinto() as kinto:
        values = {
            "url": f"{kinto.server}/__heartbeat__",
            "json_pointer": "/storage",
            "json_op": "equals",
            "json_value": "true",
            "status": "200",
        }
        good = await ask(build("http", values), tools)
        bad = await ask(build("http", {**values, "json_value": "false"}), tools)
        user = {"username": kinto.user, "password": kinto.password, "json_pointer": "/user/id", "json_op": "exists"}
        known = await ask(build("http", {"url": f"{kinto.server}/", **user}), tools)
    assert good.ok, good
    assert bad.error == "/storage is true, not false."
    assert known.ok, known


def test_all_have_what_a_form_needs() -> None:
    """Each template says what it is and what it asks for, in plain JSON; its secrets are marked, and never proposed."""
    for one in templates():
        said = one.as_dict()
        assert said["title"]
        assert said["description"].endswith(".")
        assert len({field["name"] for field in said["fields"]}) == len(said["fields"])
        for field in said["fields"]:
            assert field["label"]
            assert not (field["secret"] and field["default"])
            assert field["required"] is (field["required"] and field["default"] is None)


@pytest.mark.parametrize("name", [one.name for one in templates()])
def test_the_least_that_is_needed(name: str, settings: Any) -> None:
    """With what is required filled in, a probe is made that can be asked; without it, each missing field is named."""
    register_function("stock", dict)
    values = MINIMAL[name] if name != "disk" else {"path": str(settings.BREAKWATER_HOME)}
    built = build(name, values)
    forget_function("stock")
    assert built.kind in registry.kinds()
    assert built.interval >= 5
    needed = {f"/values/{one.name}" for one in (template(name) or templates()[0]).fields if one.required}
    if needed:
        with pytest.raises(Invalid) as caught:
            build(name, {})
        assert {fault.pointer for fault in caught.value.faults} == needed


@pytest.mark.parametrize(
    ("name", "values", "pointer"),
    [
        ("http", {"url": "nonsense"}, "url"),
        ("http", {"matches": "("}, "matches"),
        ("http", {"status": "many"}, "status"),
        ("http", {"json_op": "equals", "json_pointer": "x"}, "json_pointer"),
        ("http", {"json_op": "at-least", "json_value": "x"}, "json_value"),
        ("http", {"headers": "no colon"}, "headers"),
        ("http", {"headers": "Host: x"}, "headers"),
        ("http", {"secret_headers": "Cookie: x"}, "secret_headers"),
        ("http", {"username": "a:b"}, "username"),
        ("http", {"token": "a\nb"}, "token"),
        ("http", {"tls_days": "soon"}, "tls_days"),
        ("http", {"tls_days": float("nan")}, "tls_days"),
        ("http", {"method": "PUT"}, "method"),
        ("http", {"colour": "red"}, "colour"),
        ("http", {"url": "https://x/" + "y" * 600}, "url"),
        ("tcp", {"address": "x"}, "address"),
        ("dns", {"server": "a b"}, "server"),
        ("postgresql", {"query": "DROP TABLE x"}, "query"),
        ("postgresql", {"address": "x"}, "address"),
        ("tls", {"ca": "x"}, "ca"),
        ("disk", {"path": "/etc"}, "path"),
        ("function", {"function": "os.system"}, "function"),
        ("supabase-rest", {"url": "ftp://x"}, "url"),
        ("supabase-rest", {"key": "a\r\nb"}, "key"),
        ("supabase-postgresql", {"table": 'x"; DROP TABLE y'}, "table"),
        ("openai-model", {"answers": "perhaps"}, "answers"),
        ("github-repository", {"repository": "acme"}, "repository"),
        ("github-repository", {"repository": "../.."}, "repository"),
        ("github-webhook", {"percent": 101}, "percent"),
        ("figma-tokens", {"tokens": "layers"}, "tokens"),
    ],
)
def test_faults(name: str, values: dict[str, Any], pointer: str) -> None:
    """What does not do is refused at the field that a person sees."""
    with pytest.raises(Invalid) as caught:
        build(name, {**MINIMAL[name], **values})
    assert [fault.pointer for fault in caught.value.faults] == [f"/values/{pointer}"]


def test_the_upstreams_own_address() -> None:
    """A template may leave the address to the upstream; what else is wrong is said all the same."""
    fields = (Field("status", "Status"),)
    own = Template("own", "Own", "Own.", fields, lambda values: Built("http", "", {"status": values["status"]}))
    assert own.build({"status": "2xx"}).address == ""
    with pytest.raises(Invalid) as caught:
        own.build({"status": "many"})
    assert [fault.pointer for fault in caught.value.faults] == ["/values/status"]


def test_parts_of_a_path_stay_parts() -> None:
    """What a person writes as a name does not become another address."""
    built = build("openai-model", {"model": "../../admin?x=1#y", "key": KEY, "url": "https://x.example/"})
    assert built.address == "https://x.example/v1/models/..%2F..%2Fadmin%3Fx%3D1%23y"
