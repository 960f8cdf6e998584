"""An upstream, its organization's people, and conflicts as a delivery makes them."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest
from django.test import Client

from conflicts.models import Conflict
from portal.kit.viewer import Role, Viewer
from portal.tenancy.models import Membership
from tests.conflicts.cases import PLAN, local, remote
from tests.support.conflicts import meet
from tests.support.people import People, make_people, make_upstream


@dataclass
class Office:
    """alice settles conflicts, dora too; bob looks on; charlie is a stranger."""

    people: People

    @property
    def alice(self) -> Viewer:
        """The admin."""
        return self.people.viewer(self.people.alice)

    def conflict(self, **said: Any) -> Conflict:
        """The plan that two people changed at once, or another case."""
        return meet(self.alice, **{"base": PLAN, "local": local(), "remote": remote(), **said})


@pytest.fixture
def office(db: None) -> Office:
    """The people and their upstream."""
    people = make_people()
    make_upstream(people.tidewater)
    return Office(people)


@pytest.fixture
def enter(office: Office) -> Callable[[str], Client]:
    """A signed-in client: enter("bob")."""

    def start(name: str) -> Client:
        client = Client()
        if name == "dora":
            user, _new = type(office.people.alice).objects.get_or_create(username="dora")
            Membership.objects.get_or_create(
                organization=office.people.tidewater, user=user, defaults={"role": Role.OPERATOR.value}
            )
        else:
            user = getattr(office.people, name)
        client.force_login(user)
        return client

    return start
