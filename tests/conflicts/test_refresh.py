"""Asking the upstream again: what it has now is judged anew, and every choice that still fits stays."""

from collections.abc import Callable, Iterator
from datetime import datetime
from typing import Any

import pytest
from django.test import Client

from conflicts import delivery
from conflicts.actions.keep_draft import keep_draft
from conflicts.actions.refresh import refresh
from conflicts.actions.resolve import Resolution, resolve
from conflicts.core import MISSING, merge
from conflicts.errors import AlreadyDecided
from conflicts.models import Conflict
from portal.events.models import Event
from portal.kit.errors import Forbidden, NotFound, Unavailable
from portal.kit.viewer import Viewer
from syncqueue.settling import Queue
from tests.conflicts.cases import remote, steps
from tests.conflicts.conftest import Office


class Answering(Queue):
    """The queue, with an upstream that answers what it is told to."""

    def __init__(self) -> None:
        self.answer: tuple[Any, str, datetime | None] | None = None

    def latest(self, viewer: Viewer, conflict: Conflict) -> tuple[Any, str, datetime | None]:
        """What the test said; nothing reaches it otherwise."""
        if self.answer is None:
            raise Unavailable("It is down.")
        return self.answer


@pytest.fixture
def upstream() -> Iterator[Answering]:
    """An upstream that is down until `answer` says what it has."""
    before, made = delivery.delivery(), Answering()
    delivery.register(made)
    yield made
    delivery.register(before)


def decisions(conflict: Conflict) -> dict[str, str]:
    """The ids of the decisions that ask, by their paths."""
    return {one.path: one.id for one in merge(*conflict.documents(), conflict.read_rules()).conflicts}


def test_nothing_new_changes_nothing(office: Office, upstream: Answering) -> None:
    """The same document in the same version leaves the conflict as it is."""
    conflict = office.conflict()
    upstream.answer = (remote(), conflict.remote_version, None)
    done = refresh(viewer=office.alice, conflict_id=conflict.pk)
    assert not done.moved
    assert done.conflict.revision == conflict.revision
    assert done.conflict.digest == conflict.digest


def test_what_is_new_is_judged(office: Office, upstream: Answering) -> None:
    """Another document makes other decisions and another digest; ids whose values did not change stay the same."""
    conflict = office.conflict()
    before = decisions(conflict)
    newer = remote()
    steps(newer)[0]["status"] = "archived"
    upstream.answer = (newer, '"12"', None)
    done = refresh(viewer=office.alice, conflict_id=conflict.pk).conflict
    after = decisions(done)
    assert done.remote_version == '"12"'
    assert done.digest != conflict.digest
    assert after["/description"] == before["/description"]
    assert after["/phases/0/microsteps/0/status"] != before["/phases/0/microsteps/0/status"]
    assert Event.objects.unscoped().filter(verb="conflict.reopened", subject=f"conflict:{conflict.pk}").exists()


def test_what_is_gone_is_judged(office: Office, upstream: Answering) -> None:
    """An entity that was deleted meanwhile asks to keep or to delete it as a whole."""
    conflict = office.conflict()
    upstream.answer = (MISSING, "", None)
    done = refresh(viewer=office.alice, conflict_id=conflict.pk).conflict
    assert list(decisions(done)) == [""]


def test_who_may_not_decide_may_not_ask(office: Office, upstream: Answering) -> None:
    """bob is refused, charlie finds nothing, and what is decided is not asked about."""
    conflict = office.conflict()
    upstream.answer = (remote(), "x", None)
    with pytest.raises(Forbidden):
        refresh(viewer=office.people.viewer(office.people.bob), conflict_id=conflict.pk)
    with pytest.raises(NotFound):
        refresh(viewer=office.people.viewer(office.people.charlie), conflict_id=conflict.pk)
    choices = dict.fromkeys(decisions(conflict).values(), "local")
    resolve(
        viewer=office.alice, conflict_id=conflict.pk, digest=conflict.digest, resolution=Resolution(choices=choices)
    )
    with pytest.raises(AlreadyDecided):
        refresh(viewer=office.alice, conflict_id=conflict.pk)


def test_the_button_keeps_what_was_chosen(office: Office, upstream: Answering, enter: Callable[[str], Client]) -> None:
    """The page says what came of asking; choices whose values changed are told at their new place."""
    conflict = office.conflict()
    client, address = enter("alice"), f"/conflicts/{conflict.pk}"
    choices = dict.fromkeys(decisions(conflict).values(), "local")
    keep_draft(viewer=office.alice, conflict_id=conflict.pk, choices=choices)
    form = {"do": "refresh", "digest": conflict.digest}
    assert "It is down." in client.post(address, form, follow=True).content.decode()
    upstream.answer = (remote(), conflict.remote_version, None)
    assert "The upstream still has what is shown here." in client.post(address, form, follow=True).content.decode()
    newer = remote()
    steps(newer)[0]["status"] = "archived"
    upstream.answer = (newer, '"12"', None)
    page = client.post(address, form).content.decode()
    assert "1 of your 3 decisions needs another look." in page
    assert "Before this changed you had decided: local." in page
    assert "1 of 3 not yet decided." in page
    assert "1 of your 3 decisions needs another look." in client.get(address).content.decode()
