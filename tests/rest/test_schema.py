"""The API's description: complete, valid, with examples that fit, and held by the running app against generated calls."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from io import StringIO
from typing import Any

import pytest
import schemathesis
from django.core.handlers.wsgi import WSGIHandler
from django.core.management import call_command
from django.core.signals import request_finished, request_started
from django.db import close_old_connections
from drf_spectacular.generators import SchemaGenerator
from hypothesis import HealthCheck, Phase, given, settings
from jsonschema import Draft202012Validator
from schemathesis import GenerationMode
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from portal.api.throttling import LIMITER
from resilience.upstreams.models import Upstream
from tests.rest.conftest import Caller
from tests.support.conflicts import meet
from tests.support.people import People

METHODS = {"get", "post", "patch", "put", "delete"}
TAGS = {"queue", "upstreams", "conflicts", "breakers", "health"}


def described() -> dict[str, Any]:
    """The whole description."""
    found: dict[str, Any] = SchemaGenerator().get_schema(request=None, public=True)
    return json.loads(json.dumps(found, default=str))  # type: ignore[no-any-return]


def operations() -> list[tuple[str, str, dict[str, Any]]]:
    """Method, path and description of each operation on the queue, on upstreams, on breakers, on conflicts and on health."""
    paths = described()["paths"]
    return [
        (method, path, operation)
        for path, methods in paths.items()
        for method, operation in methods.items()
        if method in METHODS and TAGS & set(operation.get("tags", ()))
    ]


def test_the_description_is_clean() -> None:
    """`manage.py spectacular --validate --fail-on-warn` finds nothing."""
    call_command("spectacular", "--validate", "--fail-on-warn", stdout=StringIO())


def test_every_operation_has_a_summary_and_examples() -> None:
    """Whoever integrates sees each request and each good answer once, filled in."""
    for method, path, operation in operations():
        name = f"{method} {path}"
        assert operation["summary"], name
        assert operation["description"], name
        good = [body for status, body in operation["responses"].items() if status.startswith("2")]
        assert good, name
        bodies = [*good, *([operation["requestBody"]] if "requestBody" in operation else [])]
        for body in bodies:
            assert "content" not in body or body["content"]["application/json"].get("examples"), name


def test_the_examples_fit_their_schemas() -> None:
    """An example that the API would not take, or never give, misleads."""
    whole = described()
    count = 0
    for method, path, operation in operations():
        bodies = [operation.get("requestBody", {}), *operation["responses"].values()]
        for body in bodies:
            media = body.get("content", {}).get("application/json", {})
            for name, example in media.get("examples", {}).items():
                schema = {**closed(media["schema"]), "components": closed(whole["components"])}
                errors = [error.message for error in Draft202012Validator(schema).iter_errors(example["value"])]
                assert not errors, f"{method} {path} {name}: {errors[:2]}"
                count += 1
    assert count > 20


def closed(schema: Any) -> Any:
    """An OpenAPI 3.0 schema as JSON Schema: `nullable` becomes a type."""
    if isinstance(schema, list):
        return [closed(part) for part in schema]
    if not isinstance(schema, dict):
        return schema
    found = {name: closed(part) for name, part in schema.items()}
    if found.pop("nullable", False) is True:
        return {"anyOf": [found, {"type": "null"}]}
    return found


SCHEMA = schemathesis.openapi.from_dict(described()).include(
    path_regex="^/api/v1/(queue|upstreams|conflicts|health/(components|probe|outages|maintenance))"
)
SCHEMA.app = WSGIHandler()
OPERATIONS = {operation.ok().label: operation.ok() for operation in SCHEMA.get_all_operations()}
CHECKS = [content_type_conformance, response_schema_conformance, status_code_conformance, response_headers_conformance]
FEW = settings(
    max_examples=15,
    derandomize=True,
    deadline=None,
    database=None,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=list(HealthCheck),
)


@contextmanager
def one_connection() -> Iterator[None]:
    """The app keeps the test's connection, as it does when Django's own test client calls it."""
    for signal in (request_started, request_finished):
        signal.disconnect(close_old_connections)
    yield
    for signal in (request_started, request_finished):
        signal.connect(close_old_connections)


@pytest.mark.postgres_only  # the database that refuses more: NUL, numbers out of range, texts that are too long
@pytest.mark.parametrize("mode", [GenerationMode.POSITIVE, GenerationMode.NEGATIVE])
@pytest.mark.parametrize("label", OPERATIONS)
def test_generated_calls_are_answered_as_described(
    label: str, mode: GenerationMode, alice: Caller, people: People, upstream: Upstream
) -> None:
    """Whatever is sent, the answer has a status, a type and a body that the description names, and is never a 500."""
    change = {"kind": "plan_edit", "entity_id": "p-1", "payload": {"title": "x"}}
    conflict = meet(people.viewer(people.alice), entity_id="p-2")
    known = {"conflict_id": str(conflict.pk), "slug": upstream.slug}
    known |= {"component_id": str(upstream.component.pk), "probe_id": str(upstream.component.probes.get().pk)}
    known |= {"item_id": alice.post("/queue/items", change).json()["id"]}
    told = {"component": upstream.slug, "severity": "minor"}
    known |= {"outage_id": str(alice.post("/health/outages", told).json()["id"])}
    plan = {"title": "Backup", "schedule": "0 2 * * 1", "minutes": 30}
    known |= {"maintenance_id": str(alice.post("/health/maintenance", plan).json()["id"])}
    statuses: list[int] = []

    @FEW
    @given(case=OPERATIONS[label].as_strategy(generation_mode=mode))
    def run(case: Any) -> None:
        case.path_parameters = {name: known[name] for name in case.path_parameters or {}}
        LIMITER.forget()
        response = case.call(headers={"Authorization": f"Bearer {alice.secret}"})
        assert response.status_code < 500, (response.content, case.as_curl_command())
        case.validate_response(response, checks=CHECKS)
        statuses.append(response.status_code)

    with one_connection():
        run()
    assert statuses
