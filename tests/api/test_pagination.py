"""Pages go on where they ended, and only with cursors that we made."""

import pytest
from django.test import Client

from portal.tenancy.models import Project
from tests.api.conftest import Caller
from tests.support.people import People

PROJECTS = "/api/test/projects"


@pytest.fixture
def client_with_seven(people: People, caller: Caller) -> Client:
    Project.objects.all().delete()
    Project.objects.bulk_create(Project(organization=people.tidewater, slug=f"p{n}", name="P") for n in range(7))
    return caller()


def slugs(answer: dict[str, list[dict[str, str]]]) -> list[str]:
    return [row["slug"] for row in answer["results"]]


def test_next_and_previous_lead_through_all(client_with_seven: Client) -> None:
    """Also when a row comes in between."""
    first = client_with_seven.get(f"{PROJECTS}?page_size=3").json()
    assert slugs(first) == ["p6", "p5", "p4"]
    assert first["previous"] is None
    Project.objects.create(organization=Project.objects.all()[0].organization, slug="new", name="New")
    second = client_with_seven.get(first["next"]).json()
    assert slugs(second) == ["p3", "p2", "p1"]
    third = client_with_seven.get(f"{PROJECTS}?page_size=3&cursor={second['next_cursor']}").json()
    assert slugs(third) == ["p0"]
    assert third["next"] is third["next_cursor"] is None
    assert slugs(client_with_seven.get(third["previous"]).json()) == ["p3", "p2", "p1"]


@pytest.mark.parametrize("cursor", ["", "x", "WzAsZmFsc2UsIjMiXQ:forged", "%00", "a" * 5000])
def test_a_cursor_that_we_did_not_make_is_refused(client_with_seven: Client, cursor: str) -> None:
    """With a problem that names it."""
    answer = client_with_seven.get(f"{PROJECTS}?cursor={cursor}")
    assert answer.status_code == 400
    assert answer.json()["errors"][0]["pointer"] == "?cursor"


def test_a_changed_cursor_is_refused(client_with_seven: Client) -> None:
    """One character is enough."""
    good = client_with_seven.get(f"{PROJECTS}?page_size=3").json()["next_cursor"]
    changed = ("b" if good[0] == "a" else "a") + good[1:]
    assert client_with_seven.get(f"{PROJECTS}?cursor={good}").status_code == 200
    assert client_with_seven.get(f"{PROJECTS}?cursor={changed}").status_code == 400


@pytest.mark.parametrize("size", ["0", "201", "-1", "ten", "1e9", "\u0663", "", "9" * 5000])
def test_a_page_size_out_of_bounds_is_refused(client_with_seven: Client, size: str) -> None:
    """Nobody reads everything at once."""
    answer = client_with_seven.get(PROJECTS, {"page_size": size})
    assert answer.status_code == 400
    assert answer.json()["errors"][0]["pointer"] == "?page_size"


def test_a_filter_that_there_is_not_is_refused(client_with_seven: Client) -> None:
    """Who misspells one would take all rows for those that fit."""
    answer = client_with_seven.get(PROJECTS, {"activ": "true", "page_size": "3", "slug": "p\x00"})
    assert answer.status_code == 400
    assert [one["pointer"] for one in answer.json()["errors"]] == ["?activ", "?slug", "?slug"]
