"""The list of items: its order, its pages, its filters, and who sees what."""

from datetime import timedelta

import pytest
from django.test import Client

from portal.kit import clock
from portal.kit.errors import Invalid
from portal.kit.viewer import Role, Viewer
from resilience.breakers.models import Breaker
from resilience.upstreams.actions.update_upstream import update_upstream
from syncqueue.core.states import ItemState
from syncqueue.listing import Filter, page
from syncqueue.models import Item
from tests.web.world import PASSWORD, World

pytestmark = pytest.mark.django_db


@pytest.fixture
def alice(world: World) -> Viewer:
    """An admin of Tidewater."""
    return Viewer(world.people["alice"].pk, "alice", {world.tidewater.pk: Role.ADMIN})


def walk(viewer: Viewer, asked: Filter, size: int) -> list[Item]:
    """All pages, one after another; each page's cursor back leads to the page before."""
    found, after, before_that = [], "", []
    while True:
        got = page(viewer, asked, now=clock.now(), after=after, size=size)
        if got.before and before_that:
            back = page(viewer, asked, now=clock.now(), before=got.before, size=size)
            assert [item.pk for item in back.items] == before_that
        found += got.items
        before_that = [item.pk for item in got.items]
        if not got.after:
            return found
        after = got.after


@pytest.mark.parametrize("size", [1, 2, 3, 50])
def test_pages_hold_everything_once_in_order(items: dict[str, Item], alice: Viewer, size: int) -> None:
    """Open items come by urgency, then age, over all upstreams, however they are cut into pages."""
    names = {item.pk: name for name, item in items.items()}
    assert [names[item.pk] for item in walk(alice, Filter(), size)] == [
        "conflict",
        "failed",
        "retrying",
        "behind",
        "queued",
    ]


def test_finished_items_come_newest_first(world: World, items: dict[str, Item], alice: Viewer) -> None:
    """What was delivered last stands on top."""
    later = world.item("plans-api", "p-77", ItemState.SYNCED, age=5)
    assert [item.pk for item in walk(alice, Filter(state="synced"), 1)] == [later.pk, items["synced"].pk]


@pytest.mark.parametrize(
    ("asked", "names"),
    [
        (Filter(upstream="billing"), ["failed"]),
        (Filter(text="webhook"), ["retrying", "queued"]),
        (Filter(entity="plan:p-9"), ["conflict", "behind"]),
        (Filter(project="web"), ["retrying"]),
        (Filter(older="3600"), ["failed"]),
        (Filter(kind="no_such_kind"), []),
    ],
)
def test_filters_leave_out_the_rest(items: dict[str, Item], alice: Viewer, asked: Filter, names: list[str]) -> None:
    """Each filter keeps what fits and nothing else."""
    assert [item.pk for item in walk(alice, asked, 50)] == [items[name].pk for name in names]


def test_an_item_is_found_by_the_start_of_its_id(items: dict[str, Item], alice: Viewer) -> None:
    """Twelve characters of an id are enough, dashes or not."""
    wanted = items["failed"].pk
    assert [item.pk for item in walk(alice, Filter(text=str(wanted)[:13]), 50)] == [wanted]


@pytest.mark.parametrize("query", [{"state": "done"}, {"older": "soon"}, {"older": "-1"}])
def test_a_filter_that_cannot_be_is_refused(query: dict[str, str]) -> None:
    """A state or an age that does not exist is an error, not an empty list."""
    with pytest.raises(Invalid):
        Filter.read(query)


@pytest.mark.parametrize("cursor", ["x", "50", "50-zz", "51-0199f2c47d1a7c319b0e52aa41d7e41c"])
def test_a_cursor_that_is_not_ours_is_refused(world: World, alice: Viewer, cursor: str) -> None:
    """A page address that was tampered with is refused."""
    with pytest.raises(Invalid):
        page(alice, Filter(), now=clock.now(), after=cursor)


def test_a_page_costs_the_same_however_many_rows_it_has(
    world: World, items: dict[str, Item], client: Client, django_assert_max_num_queries: object
) -> None:
    """The list's queries do not grow with its rows."""
    for number in range(30):
        world.item("plans-api", f"more-{number}")
    client.login(username="alice", password=PASSWORD)
    with django_assert_max_num_queries(35):  # type: ignore[operator]
        assert client.get("/resilience/queue").status_code == 200


@pytest.mark.parametrize(("name", "status"), [("alice", 200), ("bob", 200), ("charlie", 404)])
def test_an_item_is_shown_to_its_organization_only(
    items: dict[str, Item], client: Client, name: str, status: int
) -> None:
    """Owner and team mate see it; a stranger learns nothing, not even that it exists."""
    client.login(username=name, password=PASSWORD)
    assert client.get(f"/resilience/queue/{items['failed'].pk}").status_code == status
    assert b"Northlight secret" not in client.get("/resilience/queue").content or name == "charlie"


def test_a_conflict_shows_what_the_upstream_has(items: dict[str, Item], client: Client) -> None:
    """Base, this change and the upstream's document stand beside each other, field by field and whole."""
    client.login(username="alice", password=PASSWORD)
    shown = client.get(f"/resilience/queue/{items['conflict'].pk}").context["shown"]
    (field,) = shown.changes
    assert ([piece.text for piece in (*field.before, *field.after)], field.remote) == (["Old", "New"], "Theirs")
    assert '"owner": "Ines"' in shown.remote
    assert client.get(f"/resilience/queue/{items['failed'].pk}").context["shown"].remote is None


def test_what_people_did_stands_in_the_timeline(items: dict[str, Item], client: Client) -> None:
    """Who cancelled it, and why, is read on its page."""
    client.login(username="alice", password=PASSWORD)
    address = f"/resilience/queue/{items['failed'].pk}"
    client.post(f"{address}/retry", {"reason": "The code exists now"})
    page_ = client.post(f"{address}/cancel", {"reason": "Wrong customer"}, follow=True).content.decode()
    assert page_.index("Wrong customer") < page_.index("The code exists now")


def test_an_upstream_that_refuses_the_credentials_is_told(
    items: dict[str, Item], client: Client, alice: Viewer
) -> None:
    """The list, the item and the upstream say what is wrong; new credentials are tried at once."""
    client.login(username="alice", password=PASSWORD)
    upstream = items["failed"].upstream
    breaker = Breaker.objects.filter(upstream=upstream)
    why = "The upstream refused the credentials (401)"
    breaker.update(spared_until=clock.now() + timedelta(minutes=1), spared_reason=why)
    waiting = items["failed"]
    client.post(f"/resilience/queue/{waiting.pk}/retry", {})
    for address in ("/resilience/queue", f"/resilience/queue/{waiting.pk}", f"/settings/upstreams/{upstream.pk}"):
        assert "The upstream refused the credentials (401)." in client.get(address).content.decode(), address
    new = {"credentials": {"type": "bearer", "token": "another"}, "routes": {"plan": {"path": "/plans/{id}"}}}
    update_upstream(viewer=alice, upstream_id=upstream.pk, changes=new)
    assert breaker.get().spared_until is None


@pytest.mark.parametrize(("name", "status"), [("bob", 403), ("charlie", 404)])
@pytest.mark.parametrize("verb", ["retry", "cancel", "delete", "step-over"])
def test_only_those_who_may_can_act(items: dict[str, Item], client: Client, name: str, status: int, verb: str) -> None:
    """A viewer is refused, a stranger finds nothing, and the item stays as it is."""
    client.login(username=name, password=PASSWORD)
    answer = client.post(f"/resilience/queue/{items['failed'].pk}/{verb}", {"reason": "I want to"})
    assert answer.status_code == status
    items["failed"].refresh_from_db()
    assert items["failed"].item_state is ItemState.FAILED


def test_many_are_cancelled_and_the_rest_is_told(items: dict[str, Item], client: Client) -> None:
    """Acting on several does what can be done and says what was left, and another organization's item is never touched."""
    client.login(username="alice", password=PASSWORD)
    chosen = [items[name].pk for name in ("failed", "queued", "synced", "foreign")]
    data = {"verb": "cancel", "id": ",".join(map(str, chosen)), "reason": "Not needed", "query": "state=failed"}
    answer = client.post("/resilience/queue/act", data, follow=True)
    assert answer.redirect_chain[-1][0] == "/resilience/queue?state=failed"
    assert [str(message) for message in answer.context["messages"]] == [
        "2 items are cancelled. They will not be sent.",
        "2 items were left as they are. There is nothing here that you may see.",
    ]
    items["foreign"].refresh_from_db()
    assert items["foreign"].item_state is ItemState.FAILED


def test_the_switcher_narrows_lists_and_never_widens_them(items: dict[str, Item], client: Client) -> None:
    """?org= shows one organization and is remembered; a foreign one changes nothing."""
    client.login(username="alice", password=PASSWORD)
    page_ = client.get("/resilience/queue?org=northlight").content.decode()
    assert "INV-2209" in page_
    assert "Northlight secret" not in page_
