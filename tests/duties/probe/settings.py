"""The portal's settings, with the tests' duties and nothing else to run."""

from portal.settings import *  # noqa: F403
from portal.settings import INSTALLED_APPS as _APPS

INSTALLED_APPS = [*_APPS, "tests.duties.probe.apps.ProbeConfig"]
