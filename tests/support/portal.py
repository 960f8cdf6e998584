"""A portal of its own for one test: its BREAKWATER_HOME, its database, its processes, and its REST API."""

import json
import os
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.support import processes
from tests.support.ports import free_port
from tests.support.processes import DidNotStart

ROOT = Path(__file__).resolve().parents[2]
FOREIGN = ("BREAKWATER_", "DJANGO_", "DATABASE_URL", "REDIS_URL")


@dataclass
class Portal:
    """Starts `manage.py` programs in one environment. `close` ends what still runs."""

    home: Path
    database: str = ""
    settings: Mapping[str, str] = field(default_factory=dict)
    port: int = 0
    token: str = ""
    running: list[subprocess.Popen[str]] = field(default_factory=list)

    @property
    def env(self) -> dict[str, str]:
        """The whole environment of its programs: ours, without what points to another portal."""
        kept = {name: value for name, value in os.environ.items() if not name.startswith(FOREIGN)}
        own = {
            "DJANGO_SETTINGS_MODULE": "portal.settings",
            "BREAKWATER_HOME": str(self.home),
            "BREAKWATER_ALLOWED_NETWORKS": "127.0.0.0/8",
            "BREAKWATER_LOG_LEVEL": "WARNING",
        }
        return kept | own | ({"DATABASE_URL": self.database} if self.database else {}) | dict(self.settings)

    def manage(self, *words: str) -> subprocess.CompletedProcess[str]:
        """Run a command to its end, and give its output and status."""
        return subprocess.run(
            [sys.executable, str(ROOT / "manage.py"), *words],
            env=self.env,
            cwd=ROOT,
            capture_output=True,
            text=True,
            check=False,
            stdin=subprocess.DEVNULL,
        )

    def first_steps(self) -> None:
        """Make tables, an organization with alice as admin, and her token, by the commands that people use."""
        scopes = ("read", "enqueue", "operate", "administer")
        self._told("migrate", "-v0")
        self._told("createadmin", "alice", "--organization", "tidewater")
        self.token = self._told("token", "create", "--user", "alice", "--scope", *scopes)

    def _told(self, *words: str) -> str:
        done = self.manage(*words)
        if done.returncode:
            raise DidNotStart(done.stderr)
        return done.stdout.strip()

    def start(self, *words: str, log: str, settings: Mapping[str, str] | None = None) -> subprocess.Popen[str]:
        """Start a program that stays; it ends with this process, and its output goes to `home/log`."""
        process = processes.start(
            [sys.executable, ROOT / "manage.py", *words],
            env={**self.env, **(settings or {})},
            cwd=ROOT,
            log=self.home / log,
            dies_by="SIGTERM",
            inherit=False,
        )
        self.running.append(process)
        return process

    def start_web(self) -> subprocess.Popen[str]:
        """Start the web process on a free port and wait until it answers."""
        self.port = free_port()
        process = self.start("web", f"--port={self.port}", log="web.log")
        self.wait_for("livez", process, "web.log")
        return process

    def start_up(self) -> subprocess.Popen[str]:
        """Start everything as `make run` does, without the demo, and wait until it can be used."""
        self.port = free_port()
        process = self.start("up", f"--port={self.port}", log="up.log")
        self.wait_for("readyz", process, "up.log")
        return process

    def wait_for(self, page: str, process: subprocess.Popen[str], log: str, *, seconds: float = 60) -> None:
        """Wait until a page of the portal answers 200."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline and process.poll() is None:
            try:
                urllib.request.urlopen(f"http://127.0.0.1:{self.port}/{page}", timeout=5).close()
            except OSError:
                time.sleep(0.05)
            else:
                return
        raise DidNotStart((self.home / log).read_text()[-3000:])

    def call(self, method: str, path: str, body: Any = None) -> Any:
        """Ask the REST API (`/queue/items`) with the token and give the body of its answer; raises Refused."""
        request = urllib.request.Request(f"http://127.0.0.1:{self.port}/api/v1{path}", method=method)
        request.add_header("Authorization", f"Bearer {self.token}")
        if body is not None:
            request.data = json.dumps(body).encode()
            request.add_header("Content-Type", "application/json")
        try:
            with urllib.request.urlopen(request, timeout=60) as answer:
                return json.load(answer)
        except urllib.error.HTTPError as error:
            with error:
                raise Refused(f"{method} {path}: {error.code} {error.read().decode(errors='replace')}") from error

    def close(self) -> None:
        """End what still runs, the workers first."""
        for process in reversed(self.running):
            processes.stop(process, with_group=True)


class Refused(AssertionError):
    """The API answered with an error."""
