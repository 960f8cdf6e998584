"""A real Kinto on loopback: memory backend, history plugin, one thread (with several its memory backend loses updates by itself)."""

import base64
import json
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from tests.support.ports import free_port
from tests.support.processes import DidNotStart, start, stop

_SETTINGS = """\
[app:main]
use = egg:kinto
kinto.includes = kinto.plugins.default_bucket kinto.plugins.history
kinto.storage_backend = kinto.core.storage.memory
kinto.cache_backend = kinto.core.cache.memory
kinto.permission_backend = kinto.core.permission.memory
kinto.userid_hmac_secret = breakwater-tests
multiauth.policies = basicauth
kinto.bucket_create_principals = system.Authenticated
{extra}

[server:main]
use = egg:waitress#main
host = 127.0.0.1
port = {port}
threads = 1
"""


@dataclass(frozen=True, slots=True)
class Kinto:
    """A running Kinto with one bucket and one collection. `server` ends in /v1."""

    server: str
    pid: int
    bucket: str = "b"
    collection: str = "plans"
    user: str = "breakwater"
    password: str = "secret"

    @property
    def credentials(self) -> dict[str, str]:
        """The credentials as an upstream keeps them."""
        return {"type": "basic", "username": self.user, "password": self.password}

    @property
    def path(self) -> str:
        """The route's path for records of the collection."""
        return f"/buckets/{self.bucket}/collections/{self.collection}/records/{{id}}"

    def call(self, method: str, path: str, data: Any = None, headers: dict[str, str] | None = None) -> tuple[int, Any]:
        """Ask Kinto directly, beside the portal; gives status and body."""
        words = base64.b64encode(f"{self.user}:{self.password}".encode()).decode()
        request = urllib.request.Request(f"{self.server}{path}", method=method)
        request.add_header("Authorization", f"Basic {words}")
        for name, value in (headers or {}).items():
            request.add_header(name, value)
        if data is not None:
            request.data = json.dumps(data).encode()
            request.add_header("Content-Type", "application/json")
        try:
            with urllib.request.urlopen(request, timeout=10) as answer:
                return answer.status, json.load(answer)
        except urllib.error.HTTPError as error:
            with error:
                return error.code, json.loads(error.read() or b"null")

    def put(self, record: str, document: dict[str, Any]) -> dict[str, Any]:
        """Write a record as somebody else would; gives it as Kinto has it then."""
        status, body = self.call("PUT", self.path.format(id=record), {"data": document})
        assert status in (200, 201), body
        data: dict[str, Any] = body["data"]
        return data

    def get(self, record: str) -> dict[str, Any] | None:
        """The record as Kinto has it; None when it has none."""
        status, body = self.call("GET", self.path.format(id=record))
        return body["data"] if status == 200 else None


@contextmanager
def running_kinto(*, settings: dict[str, str] | None = None, log: Path | None = None) -> Iterator[Kinto]:
    """Start a Kinto, wait until it answers, make its bucket and collection, and end it by its own id afterwards."""
    with TemporaryDirectory(prefix="breakwater-kinto-") as folder:
        for attempt in range(3):  # somebody else may take the port between its choice and its use
            port = free_port()
            extra = "\n".join(f"{name} = {value}" for name, value in (settings or {}).items())
            ini = Path(folder, f"kinto-{attempt}.ini")
            ini.write_text(_SETTINGS.format(port=port, extra=extra))
            output = log or Path(folder, "kinto.log")
            command = [sys.executable, "-W", "ignore", "-m", "pyramid.scripts.pserve", str(ini)]
            process = start(command, log=output)
            try:
                kinto = Kinto(f"http://127.0.0.1:{port}/v1", process.pid)
                if _answers(kinto, process):
                    for path in ("/buckets/b", "/buckets/b/collections/plans"):
                        status, body = kinto.call("PUT", path)
                        assert status in (200, 201), body
                    yield kinto
                    return
            finally:
                stop(process)
        raise DidNotStart(f"Kinto did not answer: {output.read_text()[-2000:]}")


def _answers(kinto: Kinto, process: Any, *, seconds: float = 30) -> bool:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline and process.poll() is None:
        try:
            if kinto.call("GET", "/__heartbeat__")[0] == 200:
                return True
        except OSError:
            time.sleep(0.05)
    return False
