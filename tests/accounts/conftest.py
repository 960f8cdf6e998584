"""People with passwords that are quick to check."""

from typing import Any

import pytest

from tests.support.people import People, make_people

PASSWORD = "correct horse battery"


@pytest.fixture(autouse=True)
def _quick_hashes(settings: Any) -> None:
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]


@pytest.fixture
def people(db: None) -> People:
    found = make_people()
    for user in (found.alice, found.bob, found.charlie):
        user.set_password(PASSWORD)
        user.save()
    return found
