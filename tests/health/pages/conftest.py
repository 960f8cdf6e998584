"""Somebody who looks at what is watched."""

import pytest

from tests.health.pages.watched import Watched, make_watched
from tests.web.conftest import browser_type_launch_args, visit, world  # noqa: F401 - fixtures
from tests.web.world import World


@pytest.fixture
def watched(world: World) -> Watched:  # noqa: F811
    """plans-api is down, openai slow, github and billing up, figma young; northern is Northlight's."""
    return make_watched(world)
