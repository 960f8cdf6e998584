"""The demo's own small files under BREAKWATER_HOME/demo: secrets that were made once, the upstream's port, a running outage."""

import json
import os
import secrets
import socket
import time
from pathlib import Path
from typing import Any

from django.conf import settings

PREFERRED_PORT = 8888


def folder() -> Path:
    """Where the demo keeps its files."""
    path = Path(settings.BREAKWATER_HOME) / "demo"
    path.mkdir(parents=True, exist_ok=True, mode=0o700)
    return path


def read() -> dict[str, Any]:
    """What was kept so far; with a password for people and one for the upstream in any case."""
    kept: dict[str, Any] = {"password": secrets.token_urlsafe(9), "upstream_password": secrets.token_urlsafe(18)}
    path = folder() / "state.json"
    if path.exists():
        kept.update(json.loads(path.read_text()))
    return kept


def keep(values: dict[str, Any]) -> None:
    """Writes the values, readable for nobody else."""
    path = folder() / "state.json"
    draft = path.with_suffix(".new")
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
        json.dump(values, file, indent=1)
    draft.replace(path)


def usable_port(wanted: int) -> int:
    """`wanted` if nobody listens there, else a free one."""
    for port in (wanted, 0):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            found: int = probe.getsockname()[1]
            return found
    raise OSError("There is no free port.")


def start_outage(seconds: float) -> None:
    """Makes the upstream unreachable for so many seconds from now on."""
    path = folder() / "outage"
    draft = path.with_suffix(".new")
    draft.write_text(str(time.time() + seconds))
    draft.replace(path)


def outage_left() -> float:
    """Seconds that the outage still lasts; 0 when there is none."""
    try:
        return max(float((folder() / "outage").read_text()) - time.time(), 0.0)
    except (OSError, ValueError):
        return 0.0
