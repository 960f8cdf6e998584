"""The people, for every test of the steering of health."""

import pytest

from tests.support.people import People, make_people


@pytest.fixture
def people(db: None) -> People:
    """alice, bob and charlie with their organizations."""
    return make_people()
