"""What every request gets first: an id, and who asks."""

import uuid
from collections.abc import Awaitable, Callable

from asgiref.sync import iscoroutinefunction
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.utils.decorators import sync_and_async_middleware
from django.utils.functional import SimpleLazyObject

from portal.accounts.models import User
from portal.kit.ids import uuid7
from portal.kit.viewer import ANONYMOUS, Viewer
from portal.tenancy.viewers import viewer_of_user

Answer = Callable[[HttpRequest], HttpResponseBase] | Callable[[HttpRequest], Awaitable[HttpResponseBase]]
HEADER = "X-Request-Id"


def request_id_from(text: str) -> str:
    """The caller's id when it is a UUID, else a new one."""
    try:
        return str(uuid.UUID(text))
    except ValueError:
        return str(uuid7())


def viewer_from(request: HttpRequest) -> Viewer:
    """Whom the session stands for."""
    user = getattr(request, "user", None)
    if not isinstance(user, User):
        return ANONYMOUS
    return viewer_of_user(user, request_id=request.request_id)  # type: ignore[attr-defined]


def _prepare(request: HttpRequest) -> None:
    request.request_id = request_id_from(request.headers.get(HEADER, ""))  # type: ignore[attr-defined]
    request.viewer = SimpleLazyObject(lambda: viewer_from(request))  # type: ignore[attr-defined]


def _finish(request: HttpRequest, response: HttpResponseBase) -> HttpResponseBase:
    response.headers[HEADER] = request.request_id  # type: ignore[attr-defined]
    return response


@sync_and_async_middleware
def who_asks(get_response: Answer) -> Answer:
    """Sets `request.request_id` (answered as X-Request-Id) and `request.viewer`, which is read when it is first used."""
    if iscoroutinefunction(get_response):

        async def waiting(request: HttpRequest) -> HttpResponseBase:
            _prepare(request)
            return _finish(request, await get_response(request))

        return waiting

    def direct(request: HttpRequest) -> HttpResponseBase:
        _prepare(request)
        return _finish(request, get_response(request))  # type: ignore[arg-type]

    return direct
