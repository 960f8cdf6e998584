"""Several tabs of a browser at a real web process: one holds the stream, whatever happens to it or to the portal."""

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, Error, Page, expect

from tests.live.conftest import ROOT, Person, Server, Writer, serve
from tests.live.gate import MESSAGES, SOCKET, STREAM, Gate, standing
from tests.support.processes import stop
from tests.web.conftest import browser_type_launch_args  # noqa: F401  # the machine's own Chromium

pytestmark = pytest.mark.browser
PAGE = "/resilience/queue"
LISTEN = """
  window.heard = [];
  document.addEventListener("live", ({ detail }) => heard.push(...(detail.data.changed ?? [])));
"""
HIDE = """
  window.shown = true;
  Object.defineProperty(document, "hidden", { get: () => !window.shown });
"""


@dataclass
class Portal:
    """The web process behind the gate; it can be killed and started again."""

    database: dict[str, str]
    logs: Path
    gate: Gate
    process: subprocess.Popen[str]
    server: Server

    def kill(self) -> None:
        """Ends it in the middle of everything."""
        self.gate.portal = 0
        self.process.kill()
        self.process.wait()

    def again(self) -> None:
        """Starts it anew."""
        self.process, self.server = serve(self.database, self.logs / "again.log")
        self.gate.portal = self.server.port


@dataclass
class Seat:
    """A person at a browser with several tabs."""

    person: Person
    context: BrowserContext
    gate: Gate
    pages: list[Page] = field(default_factory=list)

    def open(self, count: int = 1, path: str = PAGE) -> Page:
        """Opens tabs, which must show that they follow; gives the last of them."""
        for _ in range(count):
            page = self.context.new_page()
            page.goto(self.gate.address + path)
            expect(page.locator("[data-stream]")).to_have_attribute("data-by", "stream", timeout=10_000)
            self.pages.append(page)
        return self.pages[-1]

    def leaders(self) -> list[Page]:
        """The tabs that take themselves for the leader."""
        return [page for page in self.pages if page.locator("[data-leads]").count()]

    def leader(self) -> Page:
        """The one tab that leads, with the one stream."""
        until(lambda: len(self.leaders()) == 1 and self.gate.streams == 1)
        return self.leaders()[0]

    def others(self, page: Page) -> list[Page]:
        """The other tabs."""
        return [each for each in self.pages if each is not page]

    def all_hear(self, write: Writer, subject: str, within: float = 5.0) -> None:
        """An event is written, and every tab hears of it in time."""
        write("event", organization=self.person.organization, verb="item.queued", subject=f"item:{subject}")
        until(lambda: all(subject in page.evaluate("heard") for page in self.pages), within)


Sit = Callable[[Person], Seat]


def until(holds: Callable[[], object], seconds: float = 10.0) -> float:
    """Waits until something holds, and gives the seconds that it took."""
    begun = time.monotonic()
    while not holds():
        took = time.monotonic() - begun
        assert took < seconds, f"not within {seconds} s"
        time.sleep(0.02)
    return time.monotonic() - begun


@pytest.fixture(scope="module")
def portal(database: dict[str, str], other: object, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Portal]:
    """A web process with the files of pages."""
    command = [sys.executable, "manage.py", "collectstatic", "-v0", "--no-input"]
    subprocess.run(command, env={**os.environ, **database}, cwd=ROOT, check=True)
    logs = tmp_path_factory.mktemp("tabs")
    process, server = serve(database, logs / "web.log")
    with standing(server.port) as gate:
        running = Portal(database, logs, gate, process, server)
        yield running
    stop(running.process)
    for log in logs.iterdir():
        assert "Traceback" not in log.read_text(), log.read_text()


@pytest.fixture
def gate(portal: Portal) -> Iterator[Gate]:
    """The way between, which is open at first."""
    yield portal.gate
    portal.gate.blocked.clear()


@pytest.fixture
def sit(browser: Browser, gate: Gate) -> Iterator[Sit]:
    """Gives a person a browser of their own."""
    contexts: list[BrowserContext] = []

    def start(person: Person) -> Seat:
        context = browser.new_context()
        contexts.append(context)
        context.add_init_script(LISTEN)
        context.add_init_script(HIDE)
        sign_in(context, person, gate)
        return Seat(person, context, gate)

    yield start
    for context in contexts:
        context.close()
    until(lambda: gate.streams == 0)


def sign_in(context: BrowserContext, person: Person, gate: Gate) -> None:
    """Gives a browser a person's session."""
    context.add_cookies([{"name": "breakwater_session", "value": person.session, "url": gate.address}])


def turn(page: Page, *, shown: bool) -> None:
    """Brings a tab to the front, or puts it behind another one."""
    page.evaluate("shown => { window.shown = shown; document.dispatchEvent(new Event('visibilitychange')); }", shown)


def test_eight_tabs_share_one_stream(sit: Sit, write: Writer, gate: Gate) -> None:
    """One stream is open, all eight hear within a second, and a ninth page still loads: HTTP/1.1 has six connections a host."""
    seat = sit(write.person())
    seat.open(8)
    seat.leader()
    seat.all_hear(write, "eight", within=1.5)
    assert gate.streams == 1
    begun = time.monotonic()
    seat.open()
    assert time.monotonic() - begun < 5
    assert gate.streams == 1


def test_only_the_newest_word_on_a_component_stands(sit: Sit, write: Writer, gate: Gate) -> None:
    """Two that are down have a notice each; that one is back, or in maintenance, takes away that it is down."""
    seat = sit(write.person())
    wharf, buoy = (write("component", slug=name, organization=seat.person.organization) for name in ("wharf", "buoy"))
    page = seat.open(path="/")
    health = seat.open(path="/settings/health")  # which tells of all of it itself
    seat.leader()
    notices = page.locator("#notices .notice > span")
    write("turn", component=wharf, state="down")
    write("turn", component=buoy, state="down")
    expect(notices).to_have_text(["Wharf is down.", "Buoy is down."])
    expect(health.locator("#cards .card").filter(has_text="Buoy")).to_contain_text("Down")
    expect(health.locator("#notices .notice")).to_have_count(0)
    write("turn", component=buoy, state="maintenance")
    expect(notices).to_have_text(["Wharf is down.", "Buoy is in maintenance."])
    turn(page, shown=False)
    write("turn", component=wharf, state="up")  # who does not look is not told, but is not left with what was
    expect(notices.filter(has_text="Wharf")).to_have_count(0)


def test_another_takes_over_when_the_leader_is_closed(sit: Sit, write: Writer, gate: Gate) -> None:
    """Within two seconds another tab leads, and nothing that happened between is missed."""
    seat = sit(write.person())
    seat.open(3)
    for name in ("first", "second"):
        leader = seat.leader()
        seat.pages.remove(leader)
        leader.close()
        write("event", organization=seat.person.organization, verb="item.queued", subject=f"item:between-{name}")
        took = until(lambda: len(seat.leaders()) == 1 and gate.streams == 1, 2.0)
        print(f"taken over after {took * 1000:.0f} ms")
        until(lambda name=name: all(f"between-{name}" in page.evaluate("heard") for page in seat.pages), 3.0)  # type: ignore[misc]


def test_another_takes_over_when_the_leader_crashes(sit: Sit, write: Writer, gate: Gate) -> None:
    """A tab that is gone without goodbye is missed within two seconds."""
    seat = sit(write.person())
    seat.open(3)
    leader = seat.leader()
    seat.pages.remove(leader)
    with leader.expect_event("crash"), suppress(Error):
        leader.goto("chrome://crash")
    took = until(lambda: len(seat.leaders()) == 1 and gate.streams == 1, 2.0)
    print(f"taken over after {took * 1000:.0f} ms")
    seat.all_hear(write, "crashed")


def test_another_takes_over_when_the_leader_hangs(sit: Sit, write: Writer, gate: Gate) -> None:
    """A tab whose script does not come to an end is not waited for; when it wakes up it follows."""
    seat = sit(write.person())
    seat.open(3)
    leader = seat.leader()
    others = seat.others(leader)
    leader.evaluate("setTimeout(() => { const end = Date.now() + 5_000; while (Date.now() < end); })")
    took = until(lambda: any(page.locator("[data-leads]").count() for page in others), 2.5)
    print(f"taken over after {took * 1000:.0f} ms")
    write("event", organization=seat.person.organization, verb="item.queued", subject="item:hung")
    until(lambda: all("hung" in page.evaluate("heard") for page in others), 3.0)
    assert seat.leader() is not leader
    seat.all_hear(write, "awake")
    assert gate.streams == 1


def test_a_visible_tab_goes_before_a_hidden_one(sit: Sit, write: Writer, gate: Gate) -> None:
    """Who is looked at leads; who is hidden stays current; hiding all changes nothing."""
    seat = sit(write.person())
    seat.open(2)
    first = seat.leader()
    (second,) = seat.others(first)
    turn(second, shown=False)
    turn(first, shown=False)
    assert seat.leader() is first
    turn(second, shown=True)
    until(lambda: seat.leaders() == [second] and gate.streams == 1, 2.0)
    seat.all_hear(write, "hidden")
    with first.expect_response(lambda answer: answer.request.headers.get("hx-target") == "live", timeout=12_000):
        write("event", organization=seat.person.organization, verb="item.queued", subject="item:behind")
    turn(second, shown=False)
    turn(first, shown=True)
    until(lambda: seat.leaders() == [first] and gate.streams == 1, 2.0)


def test_a_paused_leader_serves_the_others(sit: Sit, write: Writer) -> None:
    """Pausing is a tab's own."""
    seat = sit(write.person())
    seat.open(2)
    leader = seat.leader()
    (other,) = seat.others(leader)
    leader.locator("[data-stream]").click()
    seat.all_hear(write, "paused")
    expect(leader.locator("[data-stream]")).to_contain_text("Paused · 1 new")
    expect(other.locator("[data-stream]")).to_contain_text("Live")


def test_without_a_channel_each_tab_has_its_own_stream(sit: Sit, write: Writer, gate: Gate) -> None:
    """A browser that knows no BroadcastChannel is served all the same."""
    seat = sit(write.person())
    seat.context.add_init_script("delete window.BroadcastChannel")
    seat.open(2)
    until(lambda: gate.streams == 2)
    seat.all_hear(write, "alone")


def test_a_page_that_comes_back_follows_again(sit: Sit, write: Writer, gate: Gate) -> None:
    """Going back to a page, also one that the browser kept, takes up the stream again."""
    seat = sit(write.person())
    page = seat.open()
    page.goto(gate.address + "/audit")
    page.go_back()
    expect(page.locator("[data-stream]")).to_have_attribute("data-by", "stream", timeout=10_000)
    until(lambda: gate.streams == 1)
    seat.all_hear(write, "back")


def test_the_portal_is_killed_and_starts_again(sit: Sit, write: Writer, portal: Portal) -> None:
    """The sign says so, and the tabs go on where they were, with one stream; what is back meanwhile is not called down any more."""
    seat = sit(write.person())
    wharf, buoy = (write("component", slug=name, organization=seat.person.organization) for name in ("wharf", "buoy"))
    seat.open(3, path="/")
    seat.leader()
    for one in (wharf, buoy):
        write("turn", component=one, state="down")
    for page in seat.pages:
        expect(page.locator("#notices .notice > span")).to_have_text(["Wharf is down.", "Buoy is down."])
    portal.kill()
    write("turn", component=buoy, state="up")
    for page in seat.pages:
        expect(page.locator("[data-stream]")).to_contain_text("Reconnecting", timeout=3_000)
    write("event", organization=seat.person.organization, verb="item.queued", subject="item:meanwhile")
    portal.again()
    for page in seat.pages:
        expect(page.locator("[data-stream]")).to_contain_text("Live", timeout=45_000)
    until(lambda: all("meanwhile" in page.evaluate("heard") for page in seat.pages), 5.0)
    seat.all_hear(write, "again")
    for page in seat.pages:
        expect(page.locator("#notices .notice > span").filter(has_text="down")).to_have_text(["Wharf is down."])
    assert portal.gate.streams == 1


def test_a_blocked_stream_gives_way_to_a_socket_and_to_polling(sit: Sit, write: Writer, gate: Gate) -> None:
    """The sign names the way, two tabs ask as one, and the stream is taken up again when it works."""
    gate.blocked = {STREAM}
    seat = sit(write.person())
    for _ in range(2):
        page = seat.context.new_page()
        page.goto(gate.address + PAGE)
        seat.pages.append(page)
    signs = [page.locator("[data-stream]") for page in seat.pages]
    for sign in signs:
        expect(sign).to_contain_text("Live by WebSocket", timeout=30_000)
        assert "Something on the way holds streams back" in (sign.get_attribute("title") or "")
    assert gate.open[SOCKET] == 1
    seat.all_hear(write, "by-socket", within=2.0)
    gate.blocked = set()
    seat.pages[0].evaluate("dispatchEvent(new Event('online'))")
    seat.pages[1].evaluate("dispatchEvent(new Event('online'))")
    for sign in signs:
        expect(sign).to_have_attribute("data-by", "stream", timeout=5_000)
    until(lambda: gate.open[SOCKET] == 0 and gate.streams == 1)


def test_polling_is_the_last_resort(sit: Sit, write: Writer, gate: Gate) -> None:
    """Where neither gets through one tab asks for all, and hears what it missed."""
    gate.blocked = {STREAM, SOCKET}
    seat = sit(write.person())
    for _ in range(2):
        page = seat.context.new_page()
        page.goto(gate.address + PAGE)
        seat.pages.append(page)
    for page in seat.pages:
        expect(page.locator("[data-stream]")).to_contain_text("Polling", timeout=40_000)
    before = gate.asked[MESSAGES]
    write("event", organization=seat.person.organization, verb="item.queued", subject="item:asked")
    (leader,) = seat.leaders()
    turn(leader, shown=True)
    until(lambda: all("asked" in page.evaluate("heard") for page in seat.pages), 5.0)
    assert gate.asked[MESSAGES] == before + 1
    seat.pages.remove(leader)
    leader.close()
    (heir,) = seat.pages
    until(lambda: seat.leaders() == [heir], 2.0)
    expect(heir.locator("[data-stream]")).to_contain_text("Polling")
    gate.blocked = set()
    turn(heir, shown=True)
    for page in seat.pages:
        expect(page.locator("[data-stream]")).to_have_attribute("data-by", "stream", timeout=5_000)


def test_two_people_in_one_browser_do_not_hear_each_other(sit: Sit, write: Writer, gate: Gate) -> None:
    """Each one's tabs have a leader of their own, and what is told in one organization stays there."""
    alice, charlie = write.person(), write.person("Northlight")
    seat = sit(alice)
    seat.open(2)
    mine = list(seat.pages)
    for page in mine:  # what a page asks for comes as the session of now, by which it would learn that alice is gone
        page.route(f"**{PAGE}*", lambda route: route.abort())
    sign_in(seat.context, charlie, gate)
    theirs = seat.open()
    until(lambda: len(seat.leaders()) == 2 and gate.streams == 2)
    write("event", organization=alice.organization, verb="item.queued", subject="item:ours")
    write("event", organization=charlie.organization, verb="item.queued", subject="item:theirs")
    until(lambda: all("ours" in page.evaluate("heard") for page in mine) and "theirs" in theirs.evaluate("heard"), 5.0)
    assert not any("theirs" in page.evaluate("heard") for page in mine)
    assert "ours" not in theirs.evaluate("heard")


def test_a_page_of_somebody_else_is_loaded_anew(sit: Sit, write: Writer, gate: Gate) -> None:
    """When another person signs in, what the page next asks for is not put beside what the first one was shown."""
    alice, charlie = write.person(), write.person("Northlight")
    seat = sit(alice)
    page = seat.open()
    before = page.locator("[data-stream]").get_attribute("data-who") or ""
    sign_in(seat.context, charlie, gate)
    write("event", organization=alice.organization, verb="item.queued", subject="item:ours")
    expect(page.locator("[data-stream]")).not_to_have_attribute("data-who", before, timeout=5_000)
    expect(page.locator("[data-stream]")).to_have_attribute("data-by", "stream", timeout=5_000)
    until(lambda: gate.streams == 1)
