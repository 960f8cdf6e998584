"""An outage that a person recorded as minor takes little away: every place says so, and none that changes are kept back."""

import html
import re
from datetime import timedelta

import pytest
from django.http import HttpResponse
from django.test import Client

from portal.events.models import Event
from portal.kit import clock
from portal.kit.viewer import Viewer
from portal.live.core.entries import Entry
from portal.overview.needs import needs
from portal.overview.recent import recent
from resilience.breakers.models import Breaker
from resilience.health.actions.close_outage import close_outage
from resilience.health.actions.record_outage import record_outage
from resilience.health.charted import span_word
from resilience.health.live import digest
from resilience.health.models import Component, Outage
from resilience.health.series import shade
from resilience.health.troubles import troubles
from resilience.upstreams.models import Upstream
from resilience.upstreams.standing import standings
from syncqueue.gauges import queue_banner
from syncqueue.models import Counter
from tests.rest.conftest import Caller
from tests.support.people import People

HOUR = timedelta(hours=1)
CLAIMS = ("none lost", "none is lost", "kept", "edits wait", "is down", "is out", "Plans API down")


@pytest.fixture
def viewer(people: People) -> Viewer:
    """alice, the admin."""
    return people.viewer(people.alice)


@pytest.fixture
def outage(viewer: Viewer, upstream: Upstream) -> Outage:
    """What alice recorded on Plans API, which its probe finds well and which five changes wait for."""
    component = Component.objects.get(upstream=upstream)
    component.probes.update(state="up", last_at=clock.now(), last_ok=True, last_ms=38)
    Component.objects.update(state="up", since=clock.now() - 3 * HOUR)
    Counter.objects.create(upstream=upstream, name="queued", slot=0, value=5)
    return record_outage(viewer=viewer, component_id=component.pk, severity="minor", cause="Few thumbnails")


def trips(upstream: Upstream) -> None:
    """Its breaker opens."""
    Breaker.objects.update_or_create(
        upstream=upstream, defaults={"state": "open", "touched": clock.now(), "opened_at": clock.now()}
    )


def main(answer: HttpResponse) -> str:
    """What stands on a page, in words."""
    page = re.sub(r"<(script|nav|template|title|dialog).*?</\1>", " ", answer.content.decode(), flags=re.DOTALL)
    return html.unescape(re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", page)))


def row(viewer: Viewer, upstream: Upstream) -> tuple[str, str, str, str]:
    """The row of "Needs you now"."""
    zero = {"conflict": 0, "failed": 0}
    (need,) = needs(viewer, zero, [upstream], standings([upstream.pk]))
    return need.sentence, need.tone, need.consequence, need.since_word


def test_pages_say_that_it_is_partly_out(people: People, outage: Outage, upstream: Upstream) -> None:
    """Health, the component's page and the outage's own: in the tone of a warning; with an open breaker it is down."""
    client = Client()
    client.force_login(people.alice)
    places = ("", "/tidewater/plans-api", f"/outages/{outage.pk}")
    for place in places:
        answer = client.get(f"/settings/health{place}")
        said = main(answer)
        assert "is partly out, " in said, place
        assert "Changes are delivered all the same." in said, place
        assert not [claim for claim in CLAIMS if claim in said], place
        assert "data-loud" not in answer.content.decode().partition("Active outage")[0].rpartition("<section")[2]
    listed = client.get("/settings/health/outages").content.decode().partition(f'id="outage-{outage.pk}"')[2]
    assert 'data-tone="warn"' in listed.partition("Going on")[0]
    trips(upstream)
    for place in places:
        said = main(client.get(f"/settings/health{place}"))
        assert "Plans API is down, " in said, place
        assert "Changes are delivered" not in said, place


def test_the_overview_says_so(viewer: Viewer, outage: Outage, upstream: Upstream) -> None:
    """Its row, its chart and the banner; once the breaker opens they say down, and what is kept."""
    assert row(viewer, upstream) == ("Plans API is partly out", "warn", "alice recorded it.", "partly out")
    found = needs(viewer, {"conflict": 0, "failed": 1}, [upstream], standings([upstream.pk]))
    assert [need.tone for need in found] == ["bad", "warn"]  # what failed is more urgent
    assert [one.tone for one in recent(viewer, {}) if one.word == "An outage was recorded"] == ["warn"]
    began = outage.began_at - HOUR
    (span,) = troubles(viewer, began, clock.now())
    assert (span.name.partition(" since")[0], span.tone) == ("Plans API partly out", "warn")
    banner = queue_banner(viewer)
    assert banner is not None
    assert banner.sentence.startswith("Plans API has been partly out for ")
    assert "kept" not in banner.sentence
    assert (banner.tone, banner.href) == ("warn", "/settings/health/tidewater/plans-api")
    trips(upstream)
    assert row(viewer, upstream)[:3] == (
        "Plans API is down",
        "bad",
        "5 changes wait, none is lost. alice recorded it.",
    )
    assert [span.tone for span in troubles(viewer, began, clock.now())] == ["bad"]
    assert "Changes are taken in and kept; 5 wait" in getattr(queue_banner(viewer), "sentence", "")


def test_what_is_paused_is_kept_all_the_same(viewer: Viewer, outage: Outage, upstream: Upstream) -> None:
    """Little is missing, but a person keeps everything back."""
    Upstream.objects.filter(pk=upstream.pk).update(paused_at=clock.now(), paused_by="bob")
    assert "Changes are taken in and kept; 5 wait" in getattr(queue_banner(viewer), "sentence", "")
    assert row(viewer, upstream)[2] == "5 changes wait, none is lost. alice recorded it."


def test_the_story_and_the_charts_say_so(people: People, viewer: Viewer, outage: Outage) -> None:
    """It became partly out, and not slow; when it is over its stretch is that of the outage alone."""
    client = Client()
    client.force_login(people.alice)
    assert "Plans API is partly out. alice says: Few thumbnails" in main(
        client.get(f"/settings/health/outages/{outage.pk}")
    )
    Outage.objects.update(cause="")
    (span,) = shade(outage.component, outage.began_at - HOUR).spans(outage.began_at - HOUR, clock.now() + HOUR)
    assert (span.word, span.tone) == ("partly out", "warn")
    assert span_word(span, outage.began_at + HOUR).startswith("partly out, ")
    close_outage(viewer=viewer, outage_id=outage.pk, reason="Back")
    (one,) = troubles(viewer, outage.began_at - HOUR, clock.now())
    assert one.name.startswith("Plans API partly out, ")
    over = main(client.get(f"/settings/health/outages/{outage.pk}"))
    assert "Plans API was partly out for" in over


def test_what_was_heard_and_what_is_wrong_say_so(people: People, viewer: Viewer, outage: Outage) -> None:
    """The notice, the recent events and the issues of /api/health; one that is slow by itself stays slow."""
    client = Client()
    client.force_login(people.alice)
    assert "Plans API is partly out. alice says: Few thumbnails." in client.get("/api/health").json()["issues"]
    for little, verb in ((True, "is partly out"), (False, "is slow")):
        if not little:
            Outage.objects.update(ended_at=outage.began_at)
        slow = Event.objects.get(verb="health.slow")
        entry = Entry(slow.pk, slow.at, slow.organization_id, slow.actor, slow.verb, slow.subject, slow.data)
        assert digest([entry])["notices"][0]["text"] == f"Plans API {verb}: alice says: Few thumbnails."
        assert f"A component {verb}" in [str(one.word) for one in recent(viewer, {})]


def test_by_rest_it_holds_up_nothing(alice: Caller, outage: Outage, upstream: Upstream) -> None:
    """What waits does not wait for it."""
    assert alice.get(f"/health/outages/{outage.pk}").json()["impact"] == []
    trips(upstream)
    assert alice.get(f"/health/outages/{outage.pk}").json()["impact"][0]["n"] == 5
