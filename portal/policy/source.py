"""The one policy file of this process, where BREAKWATER_POLICY says."""

from hashlib import sha256
from pathlib import Path

from django.conf import settings

from portal.policy.core.policy import Policy
from portal.policy.file import Place, PolicyFile, State


def _place() -> Place:
    """Where the file is, how it is called (from the checkout on when it is inside), and where its last good content is kept."""
    path = Path(settings.BREAKWATER_POLICY).absolute()
    inside = path.is_relative_to(settings.BASE_DIR)
    kept = f"{sha256(str(path).encode()).hexdigest()[:12]}.yml"
    return Place(
        path,
        str(path.relative_to(settings.BASE_DIR) if inside else path),
        settings.BREAKWATER_HOME / "policy" / kept,
    )


_FILE = PolicyFile(_place)


def current() -> Policy:
    """The policy in force: cheap enough for every call, never raises, and the same object until the file's content changes."""
    return _FILE.current()


def state() -> State:
    """The policy in force after a look at the file at this moment, with its version, and the file's faults if it has any."""
    return _FILE.state()
