"""A browser (Debian's Chromium), the fixed people, and a queue to look at."""

import os
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from django.test import Client
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, ViewportSize
from pytest_django.live_server_helper import LiveServer

from conflicts.models import Conflict
from portal.kit.viewer import Role, Viewer
from portal.tenancy.models import Membership
from resilience.breakers.models import Breaker
from syncqueue.models import Item
from tests.conflicts.cases import PLAN, local, remote
from tests.support.chromium import CHROMIUM
from tests.support.conflicts import meet
from tests.web.world import PASSWORD, World, fill, make_world

# Playwright's sync interface runs a loop in the test's thread, which Django would take for an async view.
os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "true"

STREAMS = "/api/v1/live/*"


@pytest.fixture(scope="session")
def browser_type_launch_args(browser_type_launch_args: dict[str, Any]) -> dict[str, Any]:
    """The machine's own Chromium."""
    return {**browser_type_launch_args, "executable_path": CHROMIUM, "args": ["--no-sandbox"]}


@pytest.fixture
def world(db: None) -> World:
    """Two organizations and their people."""
    return make_world()


@pytest.fixture
def items(world: World) -> dict[str, Item]:
    """One item of each state."""
    return fill(world)


@pytest.fixture
def conflict(world: World) -> Conflict:
    """The plan that two people changed at once; dora settles conflicts too."""
    upstream = world.upstream("plans-api")
    upstream.routes = {"plan": {"path": "/plans/{id}"}}
    upstream.save()
    dora = type(world.people["alice"]).objects.create_user("dora", password=PASSWORD)
    Membership.objects.create(organization=world.tidewater, user=dora, role=Role.OPERATOR)
    alice = Viewer(user_id=world.people["alice"].pk, name="alice", roles={world.tidewater.pk: Role.ADMIN})
    made = meet(alice, base=PLAN, local=local(), remote=remote(), entity_id="p-77", client_id="browser-9")
    Breaker.objects.all().delete()
    return made


class Visitor:
    """Somebody with a browser, signed in; what their console complained about is kept."""

    def __init__(self, context: BrowserContext, server: LiveServer, session: str) -> None:
        self.server = server
        self.context = context
        self.complaints: list[str] = []
        context.add_cookies([{"name": "breakwater_session", "value": session, "url": server.url}])
        # The test server is no ASGI server: it has no stream. Pages then poll.
        context.route(f"**{STREAMS}", lambda route: route.abort())
        self.page: Page = context.new_page()
        self.page.on("console", self._heard)
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))

    def _heard(self, message: ConsoleMessage) -> None:
        if message.type in {"error", "warning"} and "/api/v1/live/" not in str(message.location):
            self.complaints.append(message.text)

    def open(self, path: str) -> Page:
        """The page at `path`."""
        self.page.goto(self.server.url + path)
        return self.page

    def faults(self) -> list[str]:
        """What axe finds wrong with the open page."""
        found = Axe().run(self.page).response["violations"]
        return [f"{fault['id']}: {node['html'][:160]}" for fault in found for node in fault["nodes"]]


@pytest.fixture
def visit(browser: Browser, live_server: LiveServer, world: World) -> Iterator[Callable[..., Visitor]]:
    """Opens a browser for one of the people: visit("alice", width=390, scheme="dark", javascript=False)."""
    contexts: list[BrowserContext] = []

    def start(
        name: str = "alice", *, width: int = 1440, height: int = 900, scheme: Any = "light", javascript: bool = True
    ) -> Visitor:
        client = Client()  # one each: signing in again would end the session of who came before
        assert client.login(username=name, password=PASSWORD)
        size: ViewportSize = {"width": width, "height": height}
        context = browser.new_context(viewport=size, color_scheme=scheme, java_script_enabled=javascript)
        contexts.append(context)
        return Visitor(context, live_server, client.cookies["breakwater_session"].value)

    yield start
    for context in contexts:
        context.close()
