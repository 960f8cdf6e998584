"""Private files."""

import os
from pathlib import Path


def create_once(path: Path, content: str) -> str:
    """The content of a private file (mode 0600), which is written with `content` if it does not exist yet."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(handle, "w") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    try:
        os.link(draft, path)  # fails when another process was first: its content counts
    except FileExistsError:
        pass
    finally:
        draft.unlink()
    return path.read_text()


def replace(path: Path, content: str) -> None:
    """Writes a private file (mode 0600) anew: who reads it finds the old content or the new one, also after a power cut."""
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(handle, "w") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    draft.replace(path)
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
