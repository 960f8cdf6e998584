"""The fixed people."""

import pytest

from tests.support.people import People, make_people


@pytest.fixture
def people(db: None) -> People:
    return make_people()
