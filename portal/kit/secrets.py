"""Secrets at rest: a key ring in BREAKWATER_HOME/secrets and Fernet (AES-128-CBC with HMAC-SHA256) over it.

The newest key encrypts, every key of the ring decrypts, so that a rotation can re-encrypt in its own time.
"""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from django.conf import settings

from portal.kit.errors import Error
from portal.kit.files import create_once, replace


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


def add_key() -> None:
    """Puts a new key on top of the ring; every process encrypts with it from its next secret on."""
    with _alone() as path:
        replace(path, Fernet.generate_key().decode() + "\n" + path.read_text())


def drop_old_keys() -> int:
    """Leaves the newest key alone in the ring. How many went. Whatever only they open is lost: check `is_newest` before."""
    with _alone() as path:
        newest, *old = path.read_text().split()
        replace(path, newest + "\n")
    return len(old)


def reencrypt(token: str) -> str:
    """The same secret encrypted with the newest key. Raises SecretUnreadable when no key of the ring fits."""
    try:
        return ring().rotate(token.encode()).decode()
    except InvalidToken as error:
        raise SecretUnreadable from error


def is_newest(token: str) -> bool:
    """Whether the newest key opens it."""
    ring()
    try:
        Fernet(key_file().read_text().split()[0]).decrypt(token.encode())
    except InvalidToken:
        return False
    return True


@contextmanager
def _alone() -> Iterator[Path]:
    """The ring's file, which no other process changes meanwhile."""
    ring()
    path = key_file()
    with path.with_name("keys.lock").open("w") as lock:
        os.fchmod(lock.fileno(), 0o600)
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield path
