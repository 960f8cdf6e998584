"""An upstream's own figures: on its page, by REST, and on the page of the policy."""

import json
from typing import Any

import pytest
from django.test import Client

from portal.events.models import Event
from resilience.breakers.figures import figures_of
from resilience.upstreams.models import Upstream
from tests.breakers.conftest import Harbour
from tests.breakers.test_api import caller, fault
from tests.breakers.test_page import browser, text

pytestmark = pytest.mark.django_db


def address(harbour: Harbour, slug: str = "github") -> str:
    """The page of its own figures."""
    return f"/settings/upstreams/{harbour.upstream(slug).pk}/figures"


def own(slug: str = "github") -> dict[str, Any]:
    """What it sets itself now."""
    figures: dict[str, Any] = Upstream.objects.unscoped().get(slug=slug).figures
    return figures


def test_a_field_shows_what_holds_without_it(harbour: Harbour) -> None:
    """The value of the policy as placeholder, with its source."""
    body = browser(harbour).get(address(harbour, "openai")).content.decode()
    assert 'name="circuit_breaker.failure_threshold" value="" placeholder="3"' in body
    assert 'name="circuit_breaker.slow_call_ms" value="2000" placeholder="off"' in body
    assert "Without it: 3\u00a0calls (policy “ai”)." in body


def test_saving_holds_for_this_upstream_alone(harbour: Harbour) -> None:
    """The breaker's figures follow, the event tells what changed, and an emptied field follows the policy again."""
    client = browser(harbour)
    form = {
        "circuit_breaker.cooldown_ms": "5000",
        "circuit_breaker.failure_rate": "off",
        "sync_backoff.jitter": "false",
    }
    assert client.post(address(harbour), form).status_code == 302
    assert own() == {
        "circuit_breaker.cooldown_ms": 5000,
        "circuit_breaker.failure_rate": None,
        "sync_backoff.jitter": False,
    }
    figures = figures_of(Upstream.objects.unscoped().get(slug="github"))
    assert (figures.config.reset_timeout, figures.config.failure_rate_threshold, figures.jitter) == (5.0, None, False)
    event = json.loads(Event.objects.unscoped().get(verb="upstream.updated").data)
    assert event["moves"]["figures"] == [{}, own()]
    assert "this upstream" in text(client.get(f"/resilience/breakers/{harbour.upstream('github').pk}"))
    client.post(address(harbour), {})
    assert own() == {}
    assert own("billing") == {}


@pytest.mark.parametrize(
    ("form", "says"),
    [
        ({"circuit_breaker.cooldown_ms": "5 s"}, "Write the number alone, in milliseconds: 5000."),
        ({"circuit_breaker.failure_rate": "50%"}, "Write 0.5."),
        ({"circuit_breaker.failure_threshold": "0"}, "0 calls is too small."),
        ({"circuit_breaker.slow_call_rate": "0.3"}, "slow_call_ms must be set where slow_call_rate is."),
        ({"sync_backoff.min_ms": "40000"}, "below min_ms, 40,000 ms."),
        ({"circuit_breaker.volume_threshold": "500"}, "volume_threshold must be at most window_size"),
    ],
)
def test_what_cannot_be_stays_in_the_form(harbour: Harbour, form: dict[str, str], says: str) -> None:
    """With the policy's own words at the field, and nothing is kept."""
    answer = browser(harbour).post(address(harbour), form)
    assert answer.status_code == 422
    assert says in text(answer)
    assert own() == {}


def test_somebody_elses_change_is_not_overwritten(harbour: Harbour) -> None:
    """The form that was read before it is refused, and keeps what was typed."""
    client = browser(harbour)
    client.post(address(harbour), {"circuit_breaker.cooldown_ms": "5000", "revision": "1"})
    answer = client.post(address(harbour), {"circuit_breaker.cooldown_ms": "7000", "revision": "1"})
    assert answer.status_code == 422
    assert "was changed meanwhile" in text(answer)
    assert own() == {"circuit_breaker.cooldown_ms": 5000}


def test_by_rest_they_are_part_of_the_upstream(harbour: Harbour) -> None:
    """Read and changed as a whole; null switches one off."""
    alice = caller(harbour, "alice")
    changes = {"figures": {"circuit_breaker.failures_in_window": 10, "circuit_breaker.failure_rate": None}}
    answer = alice.call("PATCH", "/upstreams/github", changes)
    assert answer.status_code == 200, answer.content
    assert answer.json()["figures"] == changes["figures"]
    assert figures_of(Upstream.objects.unscoped().get(slug="github")).config.failures_in_window == 10


@pytest.mark.parametrize(
    ("figures", "pointer"),
    [
        ([], "/figures"),
        ({"circuit_breaker.cooldown": 5}, "/figures/circuit_breaker.cooldown"),
        ({"failover.enabled": True}, "/figures/failover.enabled"),
        ({"circuit_breaker.cooldown_ms": "5000"}, "/figures/circuit_breaker.cooldown_ms"),
        ({"circuit_breaker.cooldown_ms": True}, "/figures/circuit_breaker.cooldown_ms"),
        ({"circuit_breaker.cooldown_ms": {"a": 1}}, "/figures/circuit_breaker.cooldown_ms"),
        ({"circuit_breaker.cooldown_ms": None}, "/figures/circuit_breaker.cooldown_ms"),
        ({"circuit_breaker.cooldown_ms": 1e300}, "/figures/circuit_breaker.cooldown_ms"),
        ({"circuit_breaker.cooldown_ms": 7_200_000}, "/figures/circuit_breaker.cooldown_ms"),
    ],
)
def test_what_cannot_be_is_pointed_at(harbour: Harbour, figures: Any, pointer: str) -> None:
    """Unknown keys, wrong kinds, and what contradicts the rest."""
    answer = caller(harbour, "alice").call("PATCH", "/upstreams/github", {"figures": figures})
    assert (answer.status_code, fault(answer)) == (400, pointer), answer.content
    assert own() == {}


def test_a_near_miss_is_named(harbour: Harbour) -> None:
    """A slip of the key says what was meant."""
    answer = caller(harbour, "alice").call("PATCH", "/upstreams/github", {"figures": {"circuit_breaker.cooldown_m": 5}})
    assert "Is circuit_breaker.cooldown_ms meant?" in answer.json()["errors"][0]["detail"]


def test_the_policy_shows_who_overrides_a_key(harbour: Harbour) -> None:
    """With its value and its page; strangers see none of it."""
    said = text(browser(harbour, "bob").get("/settings/policy"))
    assert "1 upstream overrides it" in said
    assert "openai 2 s" in said
    assert "openai" not in text(browser(harbour, "charlie").get("/settings/policy"))


def test_others_look_and_do_not_change(harbour: Harbour) -> None:
    """A viewer reads the figures, an operator too, a stranger finds nothing."""
    for name in ("bob", "ivan"):
        client: Client = browser(harbour, name)
        assert "Save the figures" not in text(client.get(address(harbour)))
        assert client.post(address(harbour), {"circuit_breaker.cooldown_ms": "5000"}).status_code == 403
    assert browser(harbour, "charlie").get(address(harbour)).status_code == 404
    assert own() == {}
