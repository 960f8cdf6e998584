"""People with passwords."""

import pytest

from tests.support.people import People, make_people

PASSWORD = "correct horse battery"


@pytest.fixture
def people(db: None) -> People:
    found = make_people()
    for user in (found.alice, found.bob, found.charlie):
        user.set_password(PASSWORD)
        user.save()
    return found
