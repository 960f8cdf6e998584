"""Secrets at rest: a key ring in BREAKWATER_HOME/secrets and Fernet (AES-128-CBC with HMAC-SHA256) over it.

The newest key encrypts, every key of the ring decrypts, so that a rotation can re-encrypt in its own time.
"""

from functools import lru_cache
from pathlib import Path

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from django.conf import settings

from portal.kit.errors import Error
from portal.kit.files import create_once


class SecretUnreadable(Error):
    """A stored secret cannot be decrypted with the keys in BREAKWATER_HOME/secrets. Enter it again, or restore the keys."""

    code = "secret-unreadable"


def key_file() -> Path:
    """Where the key ring is kept: one Fernet key a line, the newest first."""
    return Path(settings.BREAKWATER_HOME) / "secrets" / "keys"


@lru_cache(maxsize=4)
def _ring(path: Path, changed_ns: int) -> MultiFernet:
    return MultiFernet([Fernet(line) for line in path.read_text().split()])


def ring() -> MultiFernet:
    """The present key ring, made with one new key on first use and read again when its file changes."""
    path = key_file()
    if not path.exists():
        create_once(path, Fernet.generate_key().decode() + "\n")
    return _ring(path, path.stat().st_mtime_ns)


def encrypt(text: str) -> str:
    """`text` encrypted with the newest key, as URL-safe text."""
    return ring().encrypt(text.encode()).decode()


def decrypt(token: str) -> str:
    """The text behind `token`. Raises SecretUnreadable when no key of the ring fits."""
    try:
        return ring().decrypt(token.encode()).decode()
    except InvalidToken as error:
        raise SecretUnreadable from error
