"""`python -m tests.with_portal COMMAND …` runs a command beside a demo portal of its own and ends the portal afterwards.

The command finds it by BASE_URL, BREAKWATER_USER and BREAKWATER_PASSWORD.
"""

import json
import os
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from tests.support import processes
from tests.support.ports import free_port

ROOT = Path(__file__).resolve().parents[1]
READY_WITHIN = 90.0
SETTLES_IN = 12.0


@contextmanager
def demo_portal() -> Iterator[dict[str, str]]:
    """A demo portal that can be used and has had a moment to fill; gives the environment that tells where it is."""
    with TemporaryDirectory(prefix="breakwater-demo-") as home:
        address = f"http://127.0.0.1:{(port := free_port())}"
        log = Path(home, "up.log")
        process = processes.start(
            [sys.executable, str(ROOT / "manage.py"), "up", "--demo", f"--port={port}"],
            env={"BREAKWATER_HOME": home, "BREAKWATER_BASE_URL": address},
            cwd=ROOT,
            log=log,
        )
        try:
            _wait_until_ready(address, log)
            time.sleep(SETTLES_IN)
            password = json.loads(Path(home, "demo", "state.json").read_text())["password"]
            yield {"BASE_URL": address, "BREAKWATER_USER": "admin", "BREAKWATER_PASSWORD": password}
        finally:
            processes.stop(process)


def _wait_until_ready(address: str, log: Path) -> None:
    deadline = time.monotonic() + READY_WITHIN
    while time.monotonic() < deadline:
        try:
            urllib.request.urlopen(f"{address}/readyz", timeout=2).close()
            return
        except (urllib.error.URLError, OSError):
            time.sleep(0.2)
    raise processes.DidNotStart(log.read_text())


if __name__ == "__main__":
    with demo_portal() as where:
        sys.exit(subprocess.run(sys.argv[1:], env={**os.environ, **where}, check=False).returncode)
