"""The API with a few addresses of its own, and callers with tokens."""

from collections.abc import Callable, Iterator
from datetime import datetime
from typing import Any

import pytest
from django.test import Client

from portal.accounts.models import User
from portal.api.throttling import LIMITER
from portal.tenancy.models import Organization, Token
from portal.tenancy.viewers import token_digest
from tests.support.people import People, make_people

Caller = Callable[..., Client]


@pytest.fixture(autouse=True)
def _own_addresses(settings: Any) -> Iterator[None]:
    settings.ROOT_URLCONF = "tests.api.urls"
    LIMITER.forget()
    yield
    LIMITER.forget()


@pytest.fixture
def people(db: None) -> People:
    return make_people()


def make_token(user: User, organization: Organization, *scopes: str, expires_at: datetime | None = None) -> str:
    """The secret of a new token."""
    secret = f"bw_{user.username}_{'-'.join(scopes)}"
    Token.objects.create(
        user=user,
        organization=organization,
        name="test",
        prefix="bw_test",
        digest=token_digest(secret),
        scopes=list(scopes),
        expires_at=expires_at,
    )
    return secret


@pytest.fixture
def caller(people: People) -> Caller:
    """Makes a client with a token of alice at Tidewater, or of whom it is told."""

    def make(user: User | None = None, organization: Organization | None = None, *scopes: str) -> Client:
        secret = make_token(user or people.alice, organization or people.tidewater, *(scopes or ("read",)))
        return Client(headers={"authorization": f"Bearer {secret}"})

    return make
