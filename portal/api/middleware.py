"""What Django itself answers under /api/ becomes problem+json too: no such address, a refused host, a failure outside a view."""

from collections.abc import Awaitable, Callable

from asgiref.sync import iscoroutinefunction
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.utils.decorators import sync_and_async_middleware

from portal.api import problems
from portal.kit.errors import (
    Conflicting,
    Error,
    Forbidden,
    Invalid,
    NotFound,
    SignedOut,
    TooLarge,
    TooMany,
    Unavailable,
)

Answer = Callable[[HttpRequest], HttpResponseBase] | Callable[[HttpRequest], Awaitable[HttpResponseBase]]
KINDS: dict[int, type[Error]] = {
    kind.status: kind
    for kind in (
        Invalid,
        SignedOut,
        Forbidden,
        NotFound,
        problems.MethodNotAllowed,
        Conflicting,
        TooLarge,
        TooMany,
        Unavailable,
    )
}
KEPT = ("Allow", "Retry-After", "WWW-Authenticate")


def is_api(request: HttpRequest) -> bool:
    """Whether programs ask here: addresses under /api/."""
    return request.path.startswith("/api/")


def refused(request: HttpRequest) -> HttpResponseBase | None:
    """The problem with a request that no parser could read: a body of unknown length."""
    if is_api(request) and "Transfer-Encoding" in request.headers and "Content-Length" not in request.headers:
        return problems.problem(request, problems.LengthRequired())
    return None


def as_problem(request: HttpRequest, response: HttpResponseBase) -> HttpResponseBase:
    """The response, or the problem that it amounts to. One that a view marks as `told` says what it has to say."""
    told = getattr(response, "told", False)
    known = told or response.headers.get("Content-Type", "").startswith(problems.CONTENT_TYPE)
    if response.status_code < 400 or known or not is_api(request):
        return response
    kind = KINDS.get(response.status_code, problems.Unexpected if response.status_code >= 500 else Invalid)
    answer = problems.problem(request, kind())
    for name in KEPT:
        if name in response.headers:
            answer.headers[name] = response.headers[name]
    answer.cookies = response.cookies
    return answer


@sync_and_async_middleware
def problems_for_api(get_response: Answer) -> Answer:
    """Answers every error under /api/ as problem+json."""
    if iscoroutinefunction(get_response):

        async def waiting(request: HttpRequest) -> HttpResponseBase:
            return refused(request) or as_problem(request, await get_response(request))

        return waiting

    def direct(request: HttpRequest) -> HttpResponseBase:
        return refused(request) or as_problem(request, get_response(request))  # type: ignore[arg-type]

    return direct
