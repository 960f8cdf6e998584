"""Projects and plans over REST: what an offline client needs to make its changes on."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from django.http import HttpResponse
from django.test import Client

from portal.api.throttling import LIMITER
from portal.kit.viewer import Permission
from portal.projects.models import Plan
from portal.tenancy.models import Project
from syncqueue.actions.enqueue import enqueue
from syncqueue.core.change import NewChange
from tests.projects.conftest import DOCUMENT
from tests.support.people import People, make_token

Ask = Callable[..., Any]


@pytest.fixture
def ask(people: People) -> Ask:
    """Calls the API: ask("bob", "/plans") gives the body of a good answer, or the status of another one."""
    LIMITER.forget()

    def call(name: str, path: str, body: Any = None, status: int = 200) -> Any:
        organization = people.northlight if name == "charlie" else people.tidewater
        secret = make_token(getattr(people, name), organization, Permission.READ, Permission.ADMINISTER)
        client = Client(headers={"authorization": f"Bearer {secret}"})
        if body is None:
            answer: HttpResponse = client.get(f"/api/v1{path}")
        else:
            answer = client.post(f"/api/v1{path}", json.dumps(body), content_type="application/json")
        assert answer.status_code == status, answer.content
        return json.loads(answer.content)

    return call


def test_a_plan_is_read_with_what_a_change_needs(ask: Ask, plan: Plan) -> None:
    """The document and its version go back as `base` and `base_version`."""
    read = ask("bob", f"/plans/{plan.pk}")
    assert read["document"] == DOCUMENT
    assert (read["version"], read["upstream"], read["entity_id"], read["project"]) == ('"7"', "plans-api", "p-1", "web")
    assert (read["gone"], read["trouble"], read["waiting"]) == (False, None, 0)
    assert ask("charlie", f"/plans/{plan.pk}", status=404)["title"]


def test_plans_are_listed_and_filtered(ask: Ask, plan: Plan, people: People) -> None:
    """Without their documents; those that only the queue knows are among them."""
    change = NewChange(
        kind="plan_edit", entity_type="plan", entity_id="p-2", operation="create", payload={"title": "Pier"}
    )
    enqueue(viewer=people.viewer(people.alice), changes=[change])
    listed = ask("bob", "/plans")["results"]
    assert [(one["entity_id"], one["waiting"]) for one in listed] == [("p-2", 1), ("p-1", 0)]
    assert "document" not in listed[0]
    assert [one["entity_id"] for one in ask("bob", "/plans?project=web")["results"]] == ["p-1"]
    assert [one["entity_id"] for one in ask("bob", "/plans?entity_id=p-2")["results"]] == ["p-2"]
    assert ask("charlie", "/plans")["results"] == []
    for query in ("colour=red", "entity_id=%00", "cursor=x"):
        ask("bob", f"/plans?{query}", status=400)


def test_a_project_is_read_with_its_specification(ask: Ask, plan: Plan, project: Project) -> None:
    """And with how many plans it has."""
    Project.objects.unscoped().filter(pk=project.pk).update(specification="# Web")
    read = ask("bob", f"/projects/{project.pk}")
    assert (read["specification"], read["plans"], read["organization"]) == ("# Web", 1, "tidewater")
    ask("charlie", f"/projects/{project.pk}", status=404)


def test_a_project_is_added_with_its_specification(ask: Ask) -> None:
    """By an admin."""
    made = ask("alice", "/projects", {"slug": "piers", "name": "Piers", "specification": "# Piers\n"}, status=201)
    assert ask("alice", f"/projects/{made['id']}")["specification"] == "# Piers"
    ask("bob", "/projects", {"slug": "docks", "name": "Docks"}, status=403)
