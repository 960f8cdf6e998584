"""The pages of breakers as the server writes them."""

import json
import re
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test import Client

from portal.events.models import Event
from portal.kit import clock
from portal.live.core.entries import Entry
from resilience.breakers import counted, live
from resilience.breakers.models import Breaker, Transition, Window
from resilience.patterns.config import BreakerConfig
from resilience.patterns.typing import Verdict
from tests.breakers.conftest import Harbour, calls, figures, transition, wave, window
from tests.support.breakers import stop

pytestmark = pytest.mark.django_db


def browser(harbour: Harbour, name: str = "alice") -> Client:
    """One of the people, signed in."""
    client = Client()
    client.force_login(type(harbour.world.people["alice"]).objects.get(username=name))
    return client


def text(answer: Any) -> str:
    """What the page says, without its tags."""
    body: str = answer.content.decode().partition("<main")[2].partition("</main>")[0]
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", body)).replace("\xa0", " ").replace(" ,", ",")


def at(harbour: Harbour, slug: str, tail: str = "") -> str:
    """The address of a breaker."""
    return f"/resilience/breakers/{harbour.upstream(slug).pk}{tail}"


def test_the_worst_comes_first_and_is_shown(harbour: Harbour) -> None:
    """The list is ordered by need, and each line tells the one thing that matters."""
    said = text(browser(harbour).get("/resilience/breakers"))
    order = [said.index(line) for line in ("next test in", "34 % of calls slow, opens at 50 %", "1 of the last 96")]
    assert order == sorted(order)
    assert "no call counted yet" in said
    assert "0 of the last 188 calls failed" in said
    assert "Calls to plans-api are refused at once, so that nothing hangs." in said
    assert "northern" not in said


def test_the_diagram_carries_the_real_figures(harbour: Harbour) -> None:
    """Rules on the arrows, live numbers, and the same for those who do not see it."""
    answer = browser(harbour).get(at(harbour, "plans-api"))
    said = text(answer)
    for line in ("5 failures in a row, or 50 % of calls", "3 times so far", "0 of 3", "3 test calls at a time"):
        assert line in said
    picture = re.search(r'data-shape="wide" role="img" aria-label="([^"]+)"', answer.content.decode())
    assert picture is not None
    assert picture[1].startswith("State diagram. Now it is open. From closed to open: 5 failures in a row")


def test_what_it_refused_and_when_it_tests(harbour: Harbour) -> None:
    """In figures below the picture; what waits leads to its rows."""
    harbour.world.item("plans-api", "p-1")
    answer = browser(harbour, "bob").get(at(harbour, "plans-api"))
    assert "Reads and tests refused 412" in text(answer)
    assert "1 change starts moving after 3 good answers." in text(answer)
    assert 'href="/resilience/queue?upstream=plans-api"' in answer.content.decode()


def test_meters_stand_as_they_did_when_it_opened(harbour: Harbour) -> None:
    """Those of the window that opened it, not the emptied ones of now."""
    said = text(browser(harbour).get(at(harbour, "plans-api")))
    assert "In a row 5 / 5" in said
    assert "The meters stand as they did when it opened" in said


def test_a_rate_says_when_there_are_too_few_calls(harbour: Harbour) -> None:
    """Below the volume no share counts; rules that are off have no meter."""
    window(harbour.upstream("figma"), figures(clock.now(), calls(clock.now(), wave(4), failed=1)))
    said = text(browser(harbour).get(at(harbour, "figma")))
    assert "Failure rate 4 of 10 calls" in said
    assert "Slow calls" not in said


def test_a_table_holds_what_the_bars_show(harbour: Harbour) -> None:
    """Each call with its time and result."""
    answer = browser(harbour).get(at(harbour, "openai"))
    assert answer.content.decode().count("answered, slow") == 3
    assert 'aria-label="The last 24 calls: 0 failed, 3 slow, the longest took 3.1' in answer.content.decode()


def test_transitions_open_to_their_window(harbour: Harbour) -> None:
    """With duration, refused calls, counts and sample errors."""
    said = text(browser(harbour).get(at(harbour, "plans-api", "/transitions")))
    assert "half-open to → closed" in said or "half-open → to closed" in said
    assert "reset by june: deploy done" in said
    assert "Was open for 1 min" in said
    assert "Reads and tests refused 120" in said
    assert "8 of 55 calls failed" in said
    assert "It answered 503 Service Unavailable" in said


def test_transitions_come_in_pages(harbour: Harbour) -> None:
    """Older and newer lead to all of them, each once."""
    for minute in range(60):
        transition(
            harbour.upstream("github"), timedelta(minutes=minute), "open", "half_open", "cool-down", f"no. {minute}!"
        )
    client, seen, address = browser(harbour), [], at(harbour, "github", "/transitions")
    query = ""
    while True:
        body = client.get(address + query).content.decode()
        seen += re.findall(r"no\. \d+!", body)
        older = re.search(r'rel="next" href="(\?before=\d+)"', body)
        if older is None:
            break
        query = older[1]
    assert len(seen) == len(set(seen)) == 60
    assert 'rel="prev"' in body


@pytest.mark.parametrize(
    ("name", "may", "may_not"),
    [
        ("alice", ["Test now", "Reset", "Force open…"], []),
        ("ivan", ["Test now", "Reset", "Reset all…"], ["Force open…"]),
        ("bob", [], ["Test now", "Reset", "Force open…", "Change for this upstream"]),
    ],
)
def test_each_role_sees_its_buttons(harbour: Harbour, name: str, may: list[str], may_not: list[str]) -> None:
    """An operator tests and resets, an admin forces, a viewer looks."""
    said = text(browser(harbour, name).get(at(harbour, "plans-api")))
    assert [word for word in may if word not in said] == []
    assert [word for word in may_not if word in said] == []


def test_a_stranger_finds_nothing(harbour: Harbour) -> None:
    """Neither the page nor the form."""
    client = browser(harbour, "charlie")
    assert client.get(at(harbour, "plans-api")).status_code == 404
    assert client.get(at(harbour, "plans-api", "/transitions")).status_code == 404
    assert client.post(at(harbour, "plans-api", "/reset")).status_code == 404


def test_forcing_open_says_why_and_until_when(harbour: Harbour) -> None:
    """The chip and the words are one reason; the page then says who, why and until when, and how to end it."""
    client = browser(harbour)
    form = {"why": "maintenance", "reason": "Vendor restores a backup.", "until": "30"}
    answer = client.post(at(harbour, "github", "/force-open"), form, follow=True)
    said = text(answer)
    assert "Forced open by alice until" in said
    assert "Upstream maintenance: Vendor restores a backup." in said
    assert "No call goes out." in said
    assert "Test now" not in said
    until = harbour.breaker("github").forced_until
    assert until is not None
    assert timedelta(minutes=29) < until - clock.now() <= timedelta(minutes=30)
    ended = client.post(at(harbour, "github", "/reset"), follow=True)
    assert "Forced open by alice" not in text(ended)
    assert harbour.breaker("github").forced == ""
    verbs = list(Event.objects.unscoped().order_by("id").values_list("verb", flat=True))
    assert verbs == ["breaker.forced-open", "breaker.closed"]


@pytest.mark.parametrize(
    ("form", "says"),
    [
        ({"why": "other", "until": "60"}, "Say why, so that the next person knows."),
        ({"why": "wrong", "until": "time"}, "Say when it ends."),
        ({"why": "wrong", "until": "time", "at": "2020-01-01T10:00"}, "This moment is past."),
        ({"why": "wrong", "until": "time", "at": "2199-01-01T10:00"}, "seven days at most"),
        ({"why": "wrong", "until": "time", "at": "soon"}, "Enter a valid date/time."),
    ],
)
def test_a_form_that_is_wrong_stays(harbour: Harbour, form: dict[str, str], says: str) -> None:
    """With what is wrong at its field, and nothing moved."""
    answer = browser(harbour).post(at(harbour, "github", "/force-closed"), form)
    assert answer.status_code == 422
    assert says in text(answer)
    assert harbour.breaker("github").version == 0


def test_what_follows_is_told_in_numbers(harbour: Harbour) -> None:
    """How many wait now, and how many more come each minute."""
    harbour.world.item("plans-api", "p-1")
    said = text(browser(harbour).get(at(harbour, "plans-api", "/force-open")))
    assert "1 waits now, about 6 more each minute." in said


def test_disabling_is_a_box_of_force_closed(harbour: Harbour) -> None:
    """Then nothing is even counted, and the page says so."""
    form = {"why": "trial", "until": "morning", "disable": "on"}
    answer = browser(harbour).post(at(harbour, "plans-api", "/force-closed"), form, follow=True)
    assert "Disabled by alice" in text(answer)
    assert "not until " in text(answer)
    assert '<div class="note" data-tone="warn" data-loud>' in answer.content.decode()
    assert harbour.breaker("plans-api").forced == "disabled"


def test_reset_all_names_what_it_closes(harbour: Harbour) -> None:
    """And leaves the others."""
    client = browser(harbour, "ivan")
    said = text(client.get("/resilience/breakers/reset-all"))
    assert "plans-api" in said
    assert "github" not in said
    answer = client.post("/resilience/breakers/reset-all", {"reason": "back"}, follow=True)
    assert "1 breaker is reset." in text(answer)
    assert "There is nothing to reset." in text(client.get("/resilience/breakers/reset-all"))


def test_a_half_open_one_says_how_far_it_is(harbour: Harbour) -> None:
    """One failure opens it again."""
    stop(harbour.upstream("billing"), wait=None)
    Breaker.objects.filter(upstream__slug="billing").update(successes=1)
    said = text(browser(harbour).get(at(harbour, "billing")))
    assert "1 of 3 good answers so far" in said
    assert "one failure opens it again" in said
    assert "The next changes for billing test it; nothing waits for it now." in said
    assert "Tests again with the next change" in said
    harbour.world.item("billing", "p-1")
    said = text(browser(harbour).get(at(harbour, "billing")))
    assert "billing is being tested with at most 3 calls at a time." in said
    assert "Tests again now" in said


def test_a_cool_down_that_is_over_waits_for_a_call(harbour: Harbour) -> None:
    """Nothing happens by itself: the next call makes it half-open."""
    Breaker.objects.filter(upstream__slug="plans-api").update(open_until=clock.now() - timedelta(seconds=1))
    assert text(browser(harbour).get(at(harbour, "plans-api"))).count("with the next change") == 5
    harbour.world.item("plans-api", "p-1")
    assert text(browser(harbour).get(at(harbour, "plans-api"))).count("with the next call") == 5


def test_the_navigation_counts_the_open_ones(harbour: Harbour) -> None:
    """Loudly, and only one's own."""
    body = browser(harbour).get("/resilience/breakers").content.decode()
    assert re.search(r'Breakers</span>\s*<span class="count" data-tone="bad" data-loud>1<', body)
    other = browser(harbour, "charlie").get("/resilience/breakers").content.decode()
    assert not re.search(r'Breakers</span>\s*<span class="count"', other)


def test_the_live_fragment_is_a_part_of_the_page(harbour: Harbour) -> None:
    """Each top element has its id on the whole page."""
    headers = {"HX-Request": "true", "HX-Target": "live"}
    client = browser(harbour)
    fragment = client.get(at(harbour, "plans-api"), headers=headers).content.decode()
    whole = client.get(at(harbour, "plans-api")).content.decode()
    assert "<html" not in fragment
    for name in ("list", "head", "say", "status", "picture", "tally", "window", "moves", "figures"):
        assert f'id="breaker-{name}"' in fragment
        assert whole.count(f'id="breaker-{name}"') == 1


def test_nothing_yet(harbour: Harbour) -> None:
    """Without an upstream there is one way to make one."""
    harbour.upstream("northern").delete()
    assert "No breaker yet." in text(browser(harbour, "charlie").get("/resilience/breakers"))


def test_the_topic_names_what_changed(harbour: Harbour) -> None:
    """The newest first; the snapshot counts the open ones of these organizations."""
    entries = [Entry(n, clock.now(), 1, "alice", "breaker.opened", f"upstream:{n}", "{}") for n in (4, 7)]
    assert live.digest(entries) == {"changed": [7, 4], "more": False, "moves": {"breaker.opened": 2}, "notices": []}
    assert live.snapshot(frozenset({harbour.world.tidewater.pk})) == {"open": 1}
    assert live.snapshot(frozenset()) == {"open": 0}


def test_failures_in_the_window_grow_old(harbour: Harbour) -> None:
    """What a process published is counted by when it happened, not by when it was published."""
    now = clock.now()
    said = figures(now, calls(now - timedelta(seconds=50), [0.1, 0.1], failed=2, apart=1.0), in_window=2)
    read = counted.read(json.dumps(said), now, BreakerConfig(failures_in_window=4))
    assert read is not None
    close = counted.readings([read], BreakerConfig(failures_in_window=4), now)
    assert [reading.value for reading in close if reading.rule == "window"] == [2]
    later = counted.readings([read], BreakerConfig(failures_in_window=4), now + timedelta(seconds=20))
    assert [reading.value for reading in later if reading.rule == "window"] == [0]
    assert read.recent[0].verdict is Verdict.FAILURE


def test_what_an_earlier_state_counted_is_over(harbour: Harbour) -> None:
    """A breaker that was reset since shows no failures, though the process has not published anew."""
    window(harbour.upstream("figma"), figures(clock.now(), calls(clock.now(), wave(20), failed=4)))
    client = browser(harbour)
    assert "4 failures in a row, opens at 5" in text(client.get("/resilience/breakers"))
    client.post(at(harbour, "figma", "/reset"))
    assert "failures in a row, opens at" not in text(client.get("/resilience/breakers"))


def test_a_hundred_breakers_cost_no_more_queries(harbour: Harbour, django_assert_max_num_queries: object) -> None:
    """The list is read at once, however long it is."""
    for n in range(30):
        made = harbour.world.upstream(f"more-{n}")
        window(made, figures(clock.now(), calls(clock.now(), wave(9))))
    client = browser(harbour)
    with django_assert_max_num_queries(40):  # type: ignore[operator]
        assert client.get("/resilience/breakers").status_code == 200


def test_what_belongs_to_another_organization_is_not_counted(harbour: Harbour) -> None:
    """Windows and transitions are read within the viewer's organizations."""
    transition(harbour.upstream("northern"), timedelta(0), "closed", "open", "trip", "secret reason")
    assert Transition.objects.unscoped().filter(reason="secret reason").exists()
    assert "secret reason" not in text(browser(harbour).get("/resilience/breakers"))


def outage(harbour: Harbour, tests: int) -> None:
    """plans-api has been tested so often since, each time in vain."""
    plans, bad = harbour.upstream("plans-api"), json.dumps(figures(clock.now(), []))
    rows = []
    for n in range(tests):
        ago = timedelta(seconds=60 - n * 60 / tests)
        rows.append(("open", "half_open", "cool-down", "cool-down over", "", ago))
        rows.append(("half_open", "open", "test", f"test {n} failed", bad, ago - timedelta(seconds=60 / tests / 2)))
    Transition.objects.bulk_create(
        Transition(
            breaker_id=plans.pk, at=clock.now() - ago, before=old, after=new, cause=why, reason=said, window=counted
        )
        for old, new, why, said, counted, ago in rows
    )


def test_why_it_opened_is_said_however_long_the_outage(harbour: Harbour) -> None:
    """Hundreds of tests later: the rule on the arrow, the meters of that moment, and the transition in the list."""
    outage(harbour, 400)
    answer = browser(harbour).get(at(harbour, "plans-api"))
    said = text(answer)
    assert "last: 5 failures in a row at" in said
    assert "In a row 5 / 5" in said
    assert "The meters stand as they did when it opened" in said
    assert "closed → to open : 5 failures in a row, the last: It answered 503" in said


def test_failed_tests_are_one_line(harbour: Harbour) -> None:
    """With their number and the last error; the test that is on, and what came before, have lines of their own."""
    outage(harbour, 24)
    Transition.objects.create(
        breaker_id=harbour.upstream("plans-api").pk,
        at=clock.now(),
        before="open",
        after="half_open",
        cause="cool-down",
        reason="cool-down over",
    )
    said = text(browser(harbour).get(at(harbour, "plans-api"))).partition("Last transitions")[2]
    lines = [
        "open → to half-open : cool-down over",
        "tested 27 times since",
        "each failed, the last: test 23 failed",
        "closed → to open : 5 failures",
        "reset by june: deploy done",
    ]
    assert [line for line in lines if said.count(line) != 1] == []
    assert [said.index(line) for line in lines] == sorted(said.index(line) for line in lines)
    assert "test 22 failed" not in said


def test_what_opened_it_is_found_by_an_index(harbour: Harbour) -> None:
    """Not by walking over the tests of the outage."""
    plan = Transition.objects.unscoped().filter(breaker_id=1).opened()[:1].explain()
    assert connection.vendor != "sqlite" or "transition_kinds" in plan
    assert connection.vendor != "sqlite" or "TEMP B-TREE" not in plan


def test_an_earlier_outage_is_not_taken_for_this_one(harbour: Harbour) -> None:
    """Where the transition that opened it is gone, nothing is said of why."""
    Breaker.objects.filter(upstream__slug="plans-api").update(opened_at=clock.now() - timedelta(minutes=1))
    said = text(browser(harbour).get(at(harbour, "plans-api"))).partition("Last transitions")[0]
    assert "last: 5 failures in a row" not in said


def test_one_that_a_person_opened_says_so(harbour: Harbour) -> None:
    """On the arrow, with the moment."""
    client = browser(harbour)
    client.post(at(harbour, "github", "/force-open"), {"why": "maintenance", "until": "30"})
    assert "last: forced by alice at" in text(client.get(at(harbour, "github")))


def test_a_force_whose_time_is_over_is_over(harbour: Harbour) -> None:
    """Nobody keeps it open any longer, though no call has shown it yet: it can be tested, and waits for the next change."""
    client = browser(harbour)
    client.post(at(harbour, "github", "/force-open"), {"why": "maintenance", "until": "30"})
    past = clock.now() - timedelta(seconds=1)
    Breaker.objects.filter(upstream__slug="github").update(forced_until=past, open_until=past)
    said = text(client.get(at(harbour, "github")))
    assert "Forced open by" not in said
    assert "forced open by alice until" not in said
    assert "Test now" in said
    assert "with the next change" in said


def test_disabled_is_not_forced_closed(harbour: Harbour) -> None:
    """Each transition says what the person did: disabled counts nothing."""
    client = browser(harbour)
    client.post(at(harbour, "github", "/force-closed"), {"why": "trial", "until": "30", "disable": "on"})
    client.post(at(harbour, "github", "/force-closed"), {"why": "trial", "until": "30"})
    client.post(at(harbour, "github", "/force-open"), {"why": "maintenance", "until": "30"})
    said = text(client.get(at(harbour, "github", "/transitions")))
    order = [said.index(f"{how} by alice") for how in ("forced open", "forced closed", "disabled")]
    assert order == sorted(order)


def test_a_process_that_is_gone_does_not_count(harbour: Harbour) -> None:
    """Its last window says four failures in a row; another process has gone on for minutes since."""
    figma, now = harbour.upstream("figma"), clock.now()
    window(figma, figures(now, calls(now, wave(8), failed=4), score=25.0), process="pump-0#1@killed")
    Window.objects.filter(process="pump-0#1@killed").update(at=now - timedelta(minutes=6))
    said = text(browser(harbour).get(at(harbour, "figma")))
    assert "In a row 4 / 5" in said  # it is the only one, so it still holds
    window(figma, figures(now, calls(now, wave(3))), process="pump-0#2")
    said = text(browser(harbour).get(at(harbour, "figma")))
    assert "In a row 0 / 5" in said
    assert "Score 96 / 100" in said
    assert "processes counts for itself" not in said


def test_the_score_is_of_the_present_state(harbour: Harbour) -> None:
    """What a process published before the breaker moved last lowers nothing."""
    figma = harbour.upstream("figma")
    window(figma, figures(clock.now(), [], score=50.0), process="web")
    assert "Score 50 / 100" in text(browser(harbour).get(at(harbour, "figma")))
    transition(figma, timedelta(0), "half_open", "closed", "test", "3 good answers")
    window(figma, figures(clock.now(), calls(clock.now(), wave(3))), process="pump-0#1")
    assert "Score 96 / 100" in text(browser(harbour).get(at(harbour, "figma")))


def test_an_operator_sees_no_button_that_ends_a_force(harbour: Harbour) -> None:
    """What an admin forced only an admin ends; a page that was made before says why nothing happened."""
    browser(harbour).post(at(harbour, "github", "/force-open"), {"why": "maintenance", "until": "30"})
    ivan = browser(harbour, "ivan")
    body = ivan.get(at(harbour, "github")).content.decode()
    assert '/reset"' not in body
    assert "github" not in text(ivan.get("/resilience/breakers/reset-all"))
    answer = ivan.post(at(harbour, "github", "/reset"), follow=True)
    assert "alice forced the breaker: Upstream maintenance" in text(answer)
    assert harbour.breaker("github").forced == "open"


def test_a_failed_test_shows_its_own_call_only(harbour: Harbour) -> None:
    """What was counted before it opened did not decide it."""
    now = clock.now()
    before = figures(now, calls(now - timedelta(minutes=5), wave(9), failed=5))
    own = {"at": now.timestamp() - 1, "type": "Told", "code": "504", "text": "It did not answer"}
    said = json.dumps({**before, "errors": [*before["errors"], own]})
    transition(harbour.upstream("github"), timedelta(0), "half_open", "open", "test", "x", lasted=2.0, window=said)
    shown = text(browser(harbour).get(at(harbour, "github", "/transitions")))
    assert "It did not answer" in shown
    assert "503" not in shown
    assert "calls failed" not in shown
    assert "No window belongs to it" not in shown


def test_the_banner_does_not_call_an_upstream_down_that_an_admin_stopped(harbour: Harbour) -> None:
    """It says who stopped it, and leads to why."""
    Breaker.objects.all().update(state="closed", forced="")
    for_an_hour = {
        "state": "open",
        "forced": "open",
        "forced_by": "alice",
        "forced_until": clock.now() + timedelta(hours=1),
    }
    Breaker.objects.filter(upstream__slug="github").update(**for_an_hour)
    client = Client()
    client.force_login(harbour.world.people["alice"])
    said = client.get("/resilience/queue").content.decode()
    assert "github: stopped by alice. Changes are taken in and kept" in said
    assert "has been down" not in said
