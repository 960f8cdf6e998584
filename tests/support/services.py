"""Stand-ins on loopback for the services that templates name: the routes that probes ask, and answers of the same shape."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web

KEY = "key-that-opens-everything"


@dataclass(slots=True)
class Services:
    """What the stand-in knows. Change it to make it ill."""

    address: str = ""
    models: list[str] = field(default_factory=lambda: ["gpt-4o-mini"])
    deliveries: list[int] = field(default_factory=lambda: [200] * 30)
    variables: dict[str, Any] = field(default_factory=lambda: {"VariableID:1": {"name": "color/brand"}})
    rows: list[dict[str, Any]] = field(default_factory=lambda: [{"id": 1}])
    asked: list[tuple[str, str, str]] = field(default_factory=list)

    async def listen(self, request: web.Request) -> web.StreamResponse:
        """Keeps what was asked, and lets in who shows the key."""
        self.asked.append((request.method, request.path_qs, await request.text()))
        shown = request.headers.get("Authorization", "").removeprefix("Bearer ") or request.headers.get("X-Figma-Token")
        if shown != KEY:
            return web.json_response({"message": f"Bad credentials: {shown}"}, status=401)
        match request.method, request.path.split("/")[1:]:
            case "GET", ["v1", "models", model]:
                return self._model(model)
            case "POST", ["v1", "chat", "completions"]:
                return await self._completion(request)
            case "GET", ["repos", owner, name]:
                whole = {"id": 7, "full_name": f"{owner}/{name}", "permissions": {"push": False, "pull": True}}
                return web.json_response(whole, headers=_RATE)
            case "GET", ["repos", _, _, "hooks", "42", "deliveries"]:
                return web.json_response([_delivery(status) for status in self.deliveries], headers=_RATE)
            case "GET", ["v1", "files", "F1", "variables", "published"]:
                return web.json_response({"status": 200, "meta": {"variables": self.variables}})
            case "GET", ["v1", "files", "F1", "styles"]:
                return web.json_response({"status": 200, "meta": {"styles": []}})
            case "GET", ["rest", "v1", "health_check"] if request.headers.get("apikey") == KEY:
                return web.json_response(self.rows)
            case "POST", ["functions", "v1", "hello"]:
                return web.json_response({"message": "ok"})
            case _:
                return web.json_response({"message": "Not Found"}, status=404)

    def _model(self, model: str) -> web.Response:
        if model in self.models:
            return web.json_response({"id": model, "object": "model", "owned_by": "system"})
        return web.json_response({"error": {"code": "model_not_found"}}, status=404)

    async def _completion(self, request: web.Request) -> web.Response:
        asked = await request.json()
        if asked["model"] not in self.models or asked["max_completion_tokens"] != 1:
            return web.json_response({"error": {"code": "model_not_found"}}, status=404)
        choice = {"index": 0, "message": {"role": "assistant", "content": "1"}, "finish_reason": "length"}
        usage = {"prompt_tokens": 8, "completion_tokens": 1, "total_tokens": 9}
        return web.json_response({"model": asked["model"], "choices": [choice], "usage": usage})


_RATE = {"X-RateLimit-Limit": "5000", "X-RateLimit-Remaining": "4987"}


def _delivery(status: int) -> dict[str, Any]:
    word = "OK" if 200 <= status < 300 else "Bad Gateway"
    return {"id": 1, "delivered_at": "2026-01-05T10:00:00Z", "status": word, "status_code": status, "event": "push"}


@asynccontextmanager
async def running_services() -> AsyncIterator[Services]:
    """Serve for the length of the block."""
    services = Services()
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", services.listen)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    port = runner.addresses[0][1]
    services.address = f"http://127.0.0.1:{port}"
    try:
        yield services
    finally:
        await runner.cleanup()
