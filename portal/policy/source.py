"""The one policy file of this process, where BREAKWATER_POLICY says."""

from pathlib import Path

from django.conf import settings

from portal.policy.core.policy import Policy
from portal.policy.file import PolicyFile, State


def _place() -> tuple[Path, str]:
    """Where the file is, and how it is called: from the checkout on when it is inside."""
    path = Path(settings.BREAKWATER_POLICY).absolute()
    inside = path.is_relative_to(settings.BASE_DIR)
    return path, str(path.relative_to(settings.BASE_DIR) if inside else path)


_FILE = PolicyFile(_place)


def current() -> Policy:
    """The policy in force: cheap enough for every call, never raises, and the same object until the file's content changes."""
    return _FILE.current()


def state() -> State:
    """The policy in force after a look at the file at this moment, with its version, and the file's faults if it has any."""
    return _FILE.state()
