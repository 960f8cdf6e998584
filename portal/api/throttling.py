"""How often one caller may ask. Kept in each web process: it protects the process, not a quota."""

import time
from collections import OrderedDict
from threading import Lock
from typing import TYPE_CHECKING

from django.conf import settings
from django.http import HttpRequest
from rest_framework.request import Request
from rest_framework.throttling import BaseThrottle

from portal.accounts.addresses import client_address
from portal.api.core.rate import Rate, rule
from portal.kit.errors import TooMany

if TYPE_CHECKING:  # the views read this class while they are being imported
    from rest_framework.views import APIView

MOST_CALLERS = 10_000


class Limiter:
    """Remembers when each of the latest callers is paid off."""

    def __init__(self) -> None:
        self._due: OrderedDict[str, float] = OrderedDict()
        self._lock = Lock()

    def wait(self, caller: str, rate: Rate) -> float:
        """0 when this caller may ask now, else the seconds until it may. Counts the request when it may."""
        with self._lock:
            now = time.monotonic()
            ruling = rule(rate, self._due.pop(caller, 0.0), now)
            self._due[caller] = ruling.due
            if len(self._due) > MOST_CALLERS:
                self._due.popitem(last=False)
        return ruling.wait

    def forget(self) -> None:
        """Starts anew."""
        with self._lock:
            self._due.clear()


LIMITER = Limiter()


class Throttle(BaseThrottle):
    """So many requests a second by one token, one person, or one address that shows neither."""

    def __init__(self) -> None:
        self._wait = 0.0

    def allow_request(self, request: Request, view: "APIView") -> bool:
        """Whether it may pass."""
        rate = Rate(settings.BREAKWATER_API_RATE, settings.BREAKWATER_API_BURST)
        if request.auth is not None:
            caller = f"token {request.auth.pk}"
        elif request.user is not None and request.user.is_authenticated:
            caller = f"user {request.user.pk}"
        else:
            caller, rate = f"address {client_address(request._request)}", stranger_rate()
        self._wait = LIMITER.wait(caller, rate)
        return self._wait == 0

    def wait(self) -> float:
        """Seconds for Retry-After."""
        return self._wait


def stranger_rate() -> Rate:
    """What an address may ask that shows neither token nor session."""
    return Rate(settings.BREAKWATER_STRANGER_RATE, settings.BREAKWATER_STRANGER_BURST)


def note_stranger(request: HttpRequest) -> None:
    """Counts a call with a bad token; raises TooMany when its address sends too many of them."""
    wait = LIMITER.wait(f"refused {client_address(request)}", stranger_rate())
    if wait:
        raise TooMany("Too many calls with a bad token from this address.", retry_after=wait)
