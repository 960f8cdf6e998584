"""What a person reads when something is wrong."""

import pytest
from django.test import Client, RequestFactory

from portal.web.pages import server_error
from syncqueue.models import Item
from tests.web.world import PASSWORD


@pytest.mark.django_db
def test_a_page_that_is_not_there_says_so(items: dict[str, Item], client: Client) -> None:
    """It names what may be the reason, the request's id, and the way back."""
    client.login(username="alice", password=PASSWORD)
    answer = client.get("/no-such-page")
    assert answer.status_code == 404
    assert "There is nothing here that you may see." in answer.content.decode()
    assert answer["X-Request-Id"] in answer.content.decode()


@pytest.mark.django_db
def test_a_wrong_filter_says_what_is_wrong_with_it(items: dict[str, Item], client: Client) -> None:
    """A refused address answers 400 and names the place."""
    client.login(username="alice", password=PASSWORD)
    answer = client.get("/resilience/queue?state=done")
    assert answer.status_code == 400
    assert "There is no state done." in answer.content.decode()


@pytest.mark.django_db
def test_a_refused_fragment_is_one_sentence(items: dict[str, Item], client: Client) -> None:
    """What htmx gets is the sentence that the page shows as a notice, not a page in a page."""
    client.login(username="alice", password=PASSWORD)
    answer = client.get("/resilience/queue?state=done", headers={"HX-Request": "true", "HX-Target": "list"})
    assert answer.content.decode().strip() == "The request cannot be accepted as it stands. There is no state done."


def test_the_page_for_the_unforeseen_needs_no_database() -> None:
    """It tells what is safe and the request's id, and reads nothing."""
    request = RequestFactory().get("/")
    request.request_id = "7f19a0c2"  # type: ignore[attr-defined]
    answer = server_error(request)
    assert answer.status_code == 500
    assert "7f19a0c2" in answer.content.decode()
    assert "Changes that were taken in are safe" in answer.content.decode()


@pytest.mark.django_db
def test_no_page_may_run_an_inline_line(items: dict[str, Item], client: Client) -> None:
    """The policy allows our own files only, and the pages hold no inline script, handler or style."""
    client.login(username="alice", password=PASSWORD)
    for address in ("/", "/resilience/queue", f"/resilience/queue/{items['retrying'].pk}"):
        answer = client.get(address)
        policy = answer["Content-Security-Policy"]
        assert "script-src 'self'" in policy
        assert "unsafe" not in policy
        page = answer.content.decode()
        for forbidden in (" style=", " onclick=", "<style", "javascript:"):
            assert forbidden not in page
