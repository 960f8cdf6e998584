"""Good passwords and new ones."""

import secrets

from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError

from portal.accounts.models import User
from portal.kit.errors import Fault

# Without letters and figures that look alike.
ALPHABET = "abcdefghijkmnpqrstuvwxyz23456789"


def new_password() -> str:
    """A password of 80 random bits in groups of four, easy to read out."""
    return "-".join("".join(secrets.choice(ALPHABET) for _letter in range(4)) for _group in range(4))


def password_faults(password: str, user: User | None = None, pointer: str = "/new") -> list[Fault]:
    """Why a password is too weak; empty when it is good."""
    try:
        validate_password(password, user)
    except ValidationError as error:
        return [Fault(pointer, str(message)) for message in error.messages]
    return []
