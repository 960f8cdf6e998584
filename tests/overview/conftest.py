"""The fixed people, for every test of the overview."""

import pytest

from tests.support.people import People, make_people


@pytest.fixture
def people(db: None) -> People:
    """Alice and bob of Tidewater, charlie of Northlight."""
    return make_people()
