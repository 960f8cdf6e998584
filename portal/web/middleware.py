"""What every request gets: the reader's time zone, and the organizations that the reader chose to see."""

from collections.abc import Awaitable, Callable
from zoneinfo import ZoneInfo, available_timezones

from asgiref.sync import iscoroutinefunction
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.utils.decorators import sync_and_async_middleware
from django.utils.deprecation import MiddlewareMixin
from django.utils.functional import SimpleLazyObject

from portal.kit.errors import Error
from portal.kit.viewer import ANONYMOUS, Viewer
from portal.tenancy.models import Organization
from portal.web.pages import error_page

Answer = Callable[[HttpRequest], HttpResponse] | Callable[[HttpRequest], Awaitable[HttpResponse]]
ORGANIZATION, ZONE = "breakwater_org", "breakwater_zone"
YEAR = 365 * 86_400
ZONES = frozenset(available_timezones())


def chosen_viewer(request: HttpRequest) -> Viewer:
    """The viewer, narrowed to the organization that the page's switcher names. Lists and figures use it; actions use `request.viewer`."""
    viewer: Viewer = getattr(request, "viewer", ANONYMOUS)
    slug = request.GET.get("org", request.COOKIES.get(ORGANIZATION, ""))
    if not slug:
        return viewer
    chosen = Organization.objects.for_org(viewer).filter(slug=slug).values_list("pk", flat=True).first()
    return viewer if chosen is None else viewer.narrowed(chosen)


def _prepare(request: HttpRequest) -> None:
    request.chosen = SimpleLazyObject(lambda: chosen_viewer(request))  # type: ignore[attr-defined]
    zone = request.COOKIES.get(ZONE, "")
    if zone in ZONES:
        timezone.activate(ZoneInfo(zone))
    else:
        timezone.deactivate()


def _finish(request: HttpRequest, response: HttpResponse) -> HttpResponse:
    if "org" in request.GET:
        response.set_cookie(ORGANIZATION, request.GET["org"][:50], max_age=YEAR, httponly=True, samesite="Lax")
    return response


@sync_and_async_middleware
def preferences(get_response: Answer) -> Answer:
    """Sets `request.chosen` (a Viewer) and the time zone."""
    if iscoroutinefunction(get_response):

        async def waiting(request: HttpRequest) -> HttpResponse:
            _prepare(request)
            return _finish(request, await get_response(request))

        return waiting

    def direct(request: HttpRequest) -> HttpResponse:
        _prepare(request)
        return _finish(request, get_response(request))  # type: ignore[arg-type]

    return direct


class ErrorPages(MiddlewareMixin):
    """Shows our own errors as a page that says what failed, what is safe and where to go."""

    def process_exception(self, request: HttpRequest, exception: Exception) -> HttpResponse | None:
        """The page of an Error; anything else stays Django's."""
        return error_page(request, exception) if isinstance(exception, Error) else None
