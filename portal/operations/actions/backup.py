"""Writing everything that cannot be made anew into one file."""

import hashlib
import json
import os
import tarfile
import tempfile
from pathlib import Path

from django.conf import settings

from portal.kit import clock
from portal.kit.errors import Conflicting
from portal.operations.databases import present

FORMAT = 1
KEPT_FOLDERS = ("secrets", "files", "journal")


class AlreadyThere(Conflicting):
    """There is a file of this name already. Choose another name."""


def backup(*, to: Path) -> int:
    """Writes the database (as of one moment, while others write), the keys and the files into the tar file `to`; gives its size in bytes.

    Only its owner may read it: it holds the keys. Raises AlreadyThere or CopyFailed.
    """
    if to.exists():
        raise AlreadyThere(str(to))
    home, database = Path(settings.BREAKWATER_HOME), present()
    to.parent.mkdir(parents=True, exist_ok=True)
    draft = to.with_name(f".{to.name}.{os.getpid()}")
    with tempfile.TemporaryDirectory(dir=home, prefix=".backup-") as folder:
        copy = Path(folder, database.member)
        database.save(copy)
        manifest = Path(folder, "manifest.json")
        manifest.write_text(
            json.dumps(
                {
                    "format": FORMAT,
                    "made_at": clock.now().isoformat(),
                    "database": database.member,
                    "sha256": digest(copy),
                },
                indent=1,
            )
        )
        try:
            with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
                with tarfile.open(fileobj=file, mode="w:gz", compresslevel=5) as tar:
                    tar.add(manifest, manifest.name)
                    tar.add(copy, copy.name)
                    for name in KEPT_FOLDERS:
                        if (home / name).is_dir():
                            tar.add(home / name, name)
                file.flush()
                os.fsync(file.fileno())
            draft.replace(to)
        finally:
            draft.unlink(missing_ok=True)
    return to.stat().st_size


def digest(path: Path) -> str:
    """The SHA-256 of a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
