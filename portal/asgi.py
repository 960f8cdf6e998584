"""The web process: Django, and beside it the live routes, which are no Django views. Composition only."""

import os

from django.core.asgi import get_asgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "portal.settings")
django = get_asgi_application()

from portal.live.hub import Hub  # noqa: E402  # models may be imported only now
from portal.live.routing import Router  # noqa: E402
from portal.live.sockets import Socket  # noqa: E402
from portal.live.streams import Poll, Stream  # noqa: E402

OF_PAGES = ["queue", "conflicts", "breakers", "health", "events"]

hub = Hub()
application = Router(
    django,
    hub,
    streams={
        "/api/v1/queue/stream": Stream(hub, ["queue"]),
        "/api/v1/conflicts/stream": Stream(hub, ["conflicts"]),
        "/api/v1/breakers/stream": Stream(hub, ["breakers"]),
        "/api/v1/events/stream": Stream(hub, ["events"]),
        "/api/health/stream": Stream(hub, ["health"]),
        "/api/v1/live/stream": Stream(hub, OF_PAGES, greets=True),
        "/api/v1/live/messages": Poll(hub, OF_PAGES),
    },
    sockets={
        "/ws/queue": Socket(hub, ["queue"]),
        "/ws/status": Socket(hub, ["health", "queue"]),
        "/ws/live": Socket(hub, OF_PAGES, greets=True),
    },
)
