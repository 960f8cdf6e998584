"""Who opens a stream: a browser with its session, or a program with its token. Asked again at each heartbeat."""

from collections.abc import Iterable
from dataclasses import dataclass
from hashlib import sha256
from importlib import import_module
from urllib.parse import urlsplit

from django.conf import settings
from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY
from django.contrib.sessions.backends.base import SessionBase
from django.core.exceptions import ValidationError
from django.http import parse_cookie
from django.http.request import split_domain_port, validate_host
from django.utils.crypto import constant_time_compare

from portal.accounts.models import User
from portal.kit import clock
from portal.kit.viewer import Role, Viewer
from portal.tenancy.models import Membership, Token

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
    origin = header(headers, b"origin")
    if origin in settings.CSRF_TRUSTED_ORIGINS:
        return True
    scheme, host = urlsplit(origin).scheme, urlsplit(origin).netloc
    return host_is_ours(headers) and host == header(headers, b"host") and scheme in ("http", "https")


def sign_in(credential: Credential) -> Viewer | None:
    """The viewer whom this credential stands for at this moment; None when it is no longer (or never was) good."""
    match credential:
        case Session(key):
            user = _user_of(key)
            return _viewer(user) if user else None
        case Bearer(secret):
            return _viewer_of_token(secret)


def _viewer(user: User) -> Viewer:
    memberships = Membership.objects.filter(user=user).values_list("organization_id", "role")
    return Viewer(user_id=user.pk, name=user.username, roles={of: Role(role) for of, role in memberships})


def _viewer_of_token(secret: str) -> Viewer | None:
    digest = sha256(secret.encode()).hexdigest()
    token = Token.objects.select_related("user").filter(digest=digest, revoked_at=None, user__is_active=True).first()
    if token is None or (token.expires_at and token.expires_at <= clock.now()):
        return None
    belongs = Membership.objects.filter(user=token.user_id, organization=token.organization_id)
    return Viewer(
        user_id=token.user_id,
        name=token.user.username,
        roles={of: Role(role) for of, role in belongs.values_list("organization_id", "role")},
        scopes=frozenset(token.scopes),
        token_id=token.pk,
    )


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
