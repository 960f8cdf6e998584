"""Every address of the portal, asked by everybody, with every method."""

import re
from collections.abc import Iterator
from copy import deepcopy
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import pytest
from django.core.cache import cache
from django.db import transaction
from django.http import HttpResponse
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver

from conflicts.models import Conflict
from portal.api.throttling import LIMITER
from portal.kit import clock
from portal.kit.jsontext import dump
from portal.kit.viewer import Permission
from portal.projects.models import Plan
from portal.tenancy.models import Membership, Organization, Project, Token
from resilience.breakers.models import Breaker
from resilience.health.models import Component, Maintenance, Note, Outage, Probe
from resilience.upstreams.models import Upstream
from syncqueue.actions.enqueue import enqueue
from syncqueue.core.change import NewChange
from syncqueue.models import Item, Lane
from tests.security.expectations import EXPECTED, Case, For
from tests.support.conflicts import meet
from tests.support.people import People, make_people, make_token, make_upstream

METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")
MARKS = ("idewater", "p-hidden", "moonshine")
REFUSED = {401, 403, 404, 405}


def routes(patterns: list[URLPattern | URLResolver], prefix: str = "") -> Iterator[str]:
    """Every address of the portal as its pattern."""
    for entry in patterns:
        if isinstance(entry, URLResolver):
            yield from routes(entry.url_patterns, prefix + str(entry.pattern))
        else:
            yield prefix + str(entry.pattern)


CAPTURE = re.compile(r"<(?:\w+:)?(?P<name>\w+)>")
ROUTES = sorted(set(routes(get_resolver().url_patterns)))


@dataclass
class World:
    """Objects of alice's organization, and everybody's way to ask."""

    people: People
    values: dict[str, str]
    browsers: dict[str, Client]
    programs: dict[str, Client]

    @cached_property
    def before(self) -> list[Any]:
        """What there was before anybody asked, and is again after each answer."""
        return self.state()

    def callers(self, route: str) -> dict[str, Client]:
        """Programs for the API, browsers for pages."""
        return self.programs if route.startswith("api/v1/") else self.browsers

    def state(self) -> list[Any]:
        """What only those with the right may change."""
        mine = self.people.tidewater.pk
        kept = [
            Item.objects.unscoped().filter(organization_id=mine).order_by("pk").values_list("pk", "state"),
            Lane.objects.unscoped().filter(organization_id=mine).order_by("pk").values_list("pk", "state"),
            Upstream.objects.unscoped()
            .filter(organization_id=mine)
            .order_by("pk")
            .values_list("pk", "name", "revision"),
            Membership.objects.unscoped().filter(organization_id=mine).order_by("pk").values_list("pk", "role"),
            Token.objects.unscoped().filter(organization_id=mine).order_by("pk").values_list("pk", "revoked_at"),
            Project.objects.unscoped().filter(organization_id=mine).order_by("pk").values_list("pk", "slug"),
            Project.objects.unscoped().filter(organization_id=mine).order_by("pk").values_list("pk", "revision"),
            Plan.objects.unscoped().filter(pk=int(self.values["plan_id"])).values_list("pk", "project_id", "document"),
            Conflict.objects.unscoped().filter(organization_id=mine).order_by("pk").values_list("pk", "revision"),
            Component.objects.unscoped().filter(organization_id=mine).order_by("pk").values_list("pk", "revision"),
            Probe.objects.unscoped()
            .filter(component__organization_id=mine)
            .order_by("pk")
            .values_list("pk", "revision", "runs"),
            Outage.objects.unscoped()
            .filter(component__organization_id=mine)
            .order_by("pk")
            .values_list("pk", "ended_at", "expected_text"),
            Note.objects.unscoped().filter(outage__component__organization_id=mine).order_by("pk").values_list("pk"),
            Maintenance.objects.unscoped()
            .filter(organization_id=mine)
            .order_by("pk")
            .values_list("pk", "called_off_at"),
            Organization.objects.unscoped().filter(pk=mine).values_list("time_zone"),
            Breaker.objects.unscoped()
            .filter(upstream__organization_id=mine, version__gt=0)
            .values_list("pk", "version"),
        ]
        return [list(rows) for rows in kept]


@pytest.fixture
def world(db: None) -> World:
    people = make_people()
    upstream = make_upstream(people.tidewater)
    mine = people.viewer(people.alice)
    conflict = meet(mine, local={"title": "moonshine"}, remote={"title": "moonshine too"}, entity_id="p-hidden-too")
    change = NewChange(
        kind="plan_edit",
        upstream="plans-api",
        entity_type="plan",
        entity_id="p-hidden",
        operation="update",
        payload={"title": "moonshine"},
        organization="tidewater",
    )
    item = enqueue(viewer=mine, changes=[change])[0].item
    plan = Plan.objects.create(
        organization=people.tidewater,
        upstream=upstream,
        lane=item.lane,
        entity_id="p-hidden",
        document='{"title":"moonshine"}',
    )
    now = clock.now()
    Component.objects.create(organization=None, slug="breakwater", name="Breakwater itself")
    other = Component.objects.create(organization=people.tidewater, slug="hidden", name="Tidewater's own")
    outage = Outage.objects.create(component=other, began_at=now, noticed_at=now, severity="minor")
    maintenance = Maintenance.objects.create(
        organization=people.tidewater,
        title="moonshine",
        starts_at=now,
        schedule="0 2 * * *",
        minutes=5,
        created_by="alice",
    )
    tokens = {
        "owner": make_token(people.alice, people.tidewater),
        "mate": make_token(people.bob, people.tidewater),
        "owner who may only read": make_token(people.alice, people.tidewater, Permission.READ),
        "stranger": make_token(people.charlie, people.northlight),
    }
    browsers = {"nobody": Client(raise_request_exception=False)}
    for name, user in (("owner", people.alice), ("mate", people.bob), ("stranger", people.charlie)):
        browsers[name] = Client(raise_request_exception=False)
        browsers[name].force_login(user)
    programs = {name: Client(headers={"authorization": f"Bearer {secret}"}) for name, secret in tokens.items()}
    values = {
        "upstream_id": str(upstream.pk),
        "organization": people.tidewater.slug,
        "slug": upstream.slug,
        "what": "latency",
        "component_id": str(upstream.component.pk),
        "probe_id": str(upstream.component.probes.get().pk),
        "tidewater_id": str(people.tidewater.pk),
        "outage_id": str(outage.pk),
        "maintenance_id": str(maintenance.pk),
        "item_id": str(item.pk),
        "project_id": str(Project.objects.unscoped().get(organization=people.tidewater).pk),
        "plan_id": str(plan.pk),
        "conflict_id": str(conflict.pk),
        "conflict_item": str(conflict.item_id),
        "digest": conflict.digest,
        "membership_id": str(Membership.objects.unscoped().get(user=people.bob).pk),
        "token_id": str(Token.objects.unscoped().filter(user=people.alice).latest("pk").pk),
        "verb": "retry",
    }
    LIMITER.forget()
    cache.clear()
    return World(people, values, browsers, {**programs, "nobody": Client()})


def ask(world: World, client: Client, route: str, case: Case) -> HttpResponse:
    """The answer; whatever it changed is taken back."""
    known = {**world.values, **case.where}
    path = "/" + CAPTURE.sub(lambda found: known.get(found["name"], ""), route)
    path = (path.rstrip("/") or "/") + (f"?{case.query}" if case.query else "")
    body = {
        name: value.format(**world.values) if isinstance(value, str) else value for name, value in case.body.items()
    }
    before, cookies = world.before, deepcopy(client.cookies)
    with transaction.atomic():
        if route.startswith("api/") and case.method != "GET":
            answer = client.generic(case.method, path, _json(body), content_type="application/json")
        elif case.method == "POST":
            answer = client.post(path, body)
        else:
            answer = client.generic(case.method, path)
        answer.changed = world.state() != before
        transaction.set_rollback(True)
    client.cookies = cookies
    return answer


def _json(body: dict[str, Any]) -> bytes:
    return dump(body).encode()


def let_in(answer: HttpResponse) -> bool:
    """Whether the caller got further than the door."""
    to_login = answer.status_code == 302 and answer.headers["Location"].startswith("/login?")
    return answer.status_code < 500 and answer.status_code not in REFUSED and not to_login


def statuses(who: For, name: str, *, api: bool) -> set[int] | None:
    """What this caller is answered; None when it gets in."""
    if who is For.EVERYBODY:
        return None
    if who is For.KEYED:
        return {404}
    if name == "nobody":
        return {401} if api else {302}
    if name == "stranger" and who in (For.MEMBERS, For.RIGHT):
        return {404}
    if name == "stranger" and who is For.NAMED:
        return {400}
    if name in {"mate", "owner who may only read"} and who in (For.RIGHT, For.NAMED, For.RIGHT_SOMEWHERE):
        return {403}
    return None


def test_the_table_knows_every_address() -> None:
    """And no address that is gone. Who adds one says here for whom it is."""
    assert set(ROUTES) == set(EXPECTED)


def test_everybody_gets_what_the_table_says(world: World, subtests: pytest.Subtests) -> None:
    """The owner, a team mate without the right, a token without the scope, a stranger, and nobody."""
    for route in ROUTES:
        LIMITER.forget()
        for case in EXPECTED.get(route, ()):
            for name, client in world.callers(route).items():
                with subtests.test(f"{case.method} /{route} {dict(case.where)} by {name}"):
                    answered(world, route, case, name, client)


def answered(world: World, route: str, case: Case, name: str, client: Client) -> None:
    """Holds one answer against the table."""
    answer = ask(world, client, route, case)
    expected = statuses(case.who, name, api=route.startswith("api/"))
    if expected is None:
        assert let_in(answer) or (route == "readyz" and answer.status_code == 503), answer.status_code
    else:
        assert answer.status_code in expected
        assert answer.status_code == 400 or not let_in(answer)
    if name != "owner":
        assert not answer.changed, "it changed something"
    if name in {"stranger", "nobody"} and not route.startswith(("api/schema", "api/docs")):
        shown = answer.content.decode()
        assert not [mark for mark in MARKS if mark in shown], "it shows what is not theirs"


def test_other_methods_are_not_there(world: World, subtests: pytest.Subtests) -> None:
    """A method that the table does not name is refused to the owner too."""
    for route in ROUTES:
        LIMITER.forget()
        client, cases = world.callers(route)["owner"], EXPECTED.get(route, ())
        for method in set(METHODS) - {case.method for case in cases} if cases else ():
            with subtests.test(f"{method} /{route}"):
                answer = ask(world, client, route, Case(method, For.EVERYBODY, where=cases[0].where))
                assert answer.status_code == 405
