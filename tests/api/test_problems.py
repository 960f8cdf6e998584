"""Every error is a problem that says what, where and under which request."""

import json
from typing import Any

import pytest
from django.test import AsyncClient, Client

from portal.api.problems import all_kinds
from tests.api.conftest import Caller
from tests.support.people import People

ECHO = "/api/test/echo"


def checked(answer: Any, status: int, code: str) -> dict[str, Any]:
    """The problem, once its frame is right."""
    assert answer.status_code == status
    assert answer["Content-Type"] == "application/problem+json"
    body: dict[str, Any] = answer.json()
    assert body["type"] == f"/api/docs/problems#{code}"
    assert body["status"] == status
    assert body["title"]
    assert body["instance"] == answer.request.get("PATH_INFO", answer.request.get("path"))
    assert body["request_id"] == answer["X-Request-Id"]
    return body


def post(client: Client, body: Any, query: str = "") -> Any:
    text = body if isinstance(body, str | bytes) else json.dumps(body)
    return client.post(f"{ECHO}{query}", text, content_type="application/json")


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ('{"a": 1, "a": 2}', "/a"),
        ('{"a": {"b": NaN}}', "/a/b"),
        ('{"a": ', "/a"),
        (b'{"a": "\xff"}', ""),
        ("[" * 101 + "]" * 101, "/0" * 100),
    ],
)
def test_broken_json_is_refused_with_its_place(caller: Caller, body: str | bytes, pointer: str) -> None:
    """Duplicate keys, NaN, a cut, bad UTF-8, endless nesting."""
    problem = checked(post(caller(), body), 400, "invalid")
    assert problem["errors"][0]["pointer"] == pointer


def test_a_request_over_the_limit_is_413(caller: Caller, settings: Any) -> None:
    """One byte is enough."""
    settings.SYNCQUEUE = {**settings.SYNCQUEUE, "request_bytes": 10}
    assert post(caller(), '"12345678"').status_code == 200
    checked(post(caller(None, None, "read", "enqueue"), '"123456789"'), 413, "too-large")


def test_a_body_of_unknown_length_is_411(caller: Caller) -> None:
    """It would be read as empty otherwise."""
    answer = caller().generic("POST", ECHO, headers={"transfer-encoding": "chunked"})
    checked(answer, 411, "length-required")


def test_another_content_type_is_415(caller: Caller) -> None:
    """Forms and XML are not read."""
    checked(caller().post(ECHO, "a=1", content_type="application/x-www-form-urlencoded"), 415, "unsupported-type")


def test_another_method_is_405_with_allow(caller: Caller) -> None:
    """The answer names the methods that are there."""
    answer = caller().put(ECHO, "{}", content_type="application/json")
    checked(answer, 405, "method-not-allowed")
    assert "POST" in answer["Allow"]


def test_an_unknown_address_is_404(caller: Caller) -> None:
    """Although no view of the API was reached."""
    checked(caller().get("/api/v1/nothing"), 404, "not-found")


def test_an_unknown_page_stays_a_page(people: People) -> None:
    """People are not answered in JSON."""
    answer = Client().get("/nothing")
    assert answer.status_code == 404
    assert answer["Content-Type"].startswith("text/html")


def test_only_html_is_406(caller: Caller) -> None:
    """There is no browsable API."""
    checked(caller().get(ECHO, headers={"accept": "text/html"}), 406, "not-acceptable")


def test_our_errors_tell_all_they_know(caller: Caller) -> None:
    """Detail, faults and extra members."""
    problem = checked(post(caller(), {}, "?fail=ours"), 409, "conflicting")
    assert problem["detail"] == "It is so."
    assert problem["errors"] == [{"pointer": "/a/b", "detail": "Not this."}]
    assert problem["present"] == 7


def test_faults_of_a_serializer_have_pointers(caller: Caller) -> None:
    """In one object and in a list of them."""
    client = caller()
    assert (
        checked(post(client, {"name": "too long"}, "?fail=fields"), 400, "invalid")["errors"][0]["pointer"] == "/name"
    )
    faults = checked(post(client, [{"name": "fine"}, {}], "?fail=fields"), 400, "invalid")["errors"]
    assert [fault["pointer"] for fault in faults] == ["/1/name"]


def test_a_bug_is_500_and_tells_nothing_of_itself(caller: Caller, caplog: pytest.LogCaptureFixture) -> None:
    """The log tells it, under the same request id."""
    answer = post(caller(), {}, "?fail=bug")
    problem = checked(answer, 500, "unexpected")
    assert "secret" not in answer.content.decode()
    assert problem["request_id"] in caplog.text
    assert "a secret that no caller may read" in caplog.text


def test_a_bug_outside_the_framework_is_500_too(people: People) -> None:
    """A plain Django view under /api/."""
    client = Client(raise_request_exception=False)
    client.force_login(people.alice)
    checked(client.get("/api/test/plain"), 500, "unexpected")


def test_a_locked_database_is_503(caller: Caller) -> None:
    """Nothing was stored; the caller may try again."""
    checked(post(caller(), {}, "?fail=locked"), 503, "unavailable")


async def test_an_asynchronous_stack_answers_the_same(people: People) -> None:
    """As under the real server."""
    answer = await AsyncClient().get("/api/test/echo")
    checked(answer, 401, "signed-out")


def test_every_kind_has_its_place_on_the_page(people: People) -> None:
    """The address in `type` leads somewhere."""
    page = Client().get("/api/docs/problems").content.decode()
    kinds = all_kinds()
    assert len(kinds) > 12
    for kind in kinds:
        assert f'id="{kind.code}"' in page
