"""Who opens a stream: a browser with its session, or a program with its token. Asked again at each heartbeat."""

from collections.abc import Iterable
from dataclasses import dataclass
from importlib import import_module

from django.conf import settings
from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY
from django.contrib.sessions.backends.base import SessionBase
from django.core.exceptions import ValidationError
from django.http import parse_cookie
from django.http.request import split_domain_port, validate_host
from django.utils.crypto import constant_time_compare

from portal.accounts.models import User
from portal.kit import clock
from portal.kit.viewer import Viewer
from portal.tenancy.viewers import note_use, usable_token, viewer_of_token, viewer_of_user

Headers = Iterable[tuple[bytes, bytes]]


@dataclass(frozen=True, slots=True)
class Session:
    """The session key that a browser's cookie holds."""

    key: str


@dataclass(frozen=True, slots=True)
class Bearer:
    """A token's secret."""

    secret: str


Credential = Session | Bearer


def header(headers: Headers, name: bytes) -> str:
    """The first header of this name; "" without one."""
    return next((value.decode("latin-1") for key, value in headers if key == name), "")


def credential_in(headers: Headers) -> Credential | None:
    """The token of an Authorization header, else the session of a cookie."""
    kind, _, secret = header(headers, b"authorization").partition(" ")
    if kind:
        return Bearer(secret.strip()) if kind.lower() == "bearer" and secret.strip() else None
    key = parse_cookie(header(headers, b"cookie")).get(settings.SESSION_COOKIE_NAME)
    return Session(key) if key else None


def host_is_ours(headers: Headers) -> bool:
    """Whether the Host header names this portal."""
    domain, _ = split_domain_port(header(headers, b"host"))
    return bool(domain) and validate_host(domain, settings.ALLOWED_HOSTS)


def origin_is_ours(headers: Headers) -> bool:
    """Whether a page of this portal asks: its Origin is the address that it was served from."""
    origin, host = header(headers, b"origin"), header(headers, b"host")
    served = (f"http://{host}", f"https://{host}") if host_is_ours(headers) else ()
    return origin in served or origin in settings.CSRF_TRUSTED_ORIGINS


def sign_in(credential: Credential, *, opening: bool = False) -> Viewer | None:
    """The viewer whom this credential stands for at this moment; None when it is no longer (or never was) good.

    With `opening` a token's use is noted.
    """
    match credential:
        case Session(key):
            user = _user_of(key)
            return viewer_of_user(user) if user else None
        case Bearer(secret):
            now = clock.now()
            token = usable_token(secret, now)
            if token and opening:
                note_use(token, now)
            return viewer_of_token(token) if token else None


def _user_of(key: str) -> User | None:
    """As django.contrib.auth.get_user, but it never writes: a stream cannot hand a new cookie back."""
    store: type[SessionBase] = import_module(settings.SESSION_ENGINE).SessionStore
    session = store(key)
    kept = session.load()
    try:
        user = User.objects.filter(pk=User._meta.pk.to_python(kept[SESSION_KEY]), is_active=True).first()
    except (KeyError, ValidationError):
        return None
    if user is None or kept.get(BACKEND_SESSION_KEY) not in settings.AUTHENTICATION_BACKENDS:
        return None
    digest = kept.get(HASH_SESSION_KEY, "")
    good = (user.get_session_auth_hash(), *user.get_session_auth_fallback_hash())
    return user if any(constant_time_compare(digest, each) for each in good) else None
