"""docs/reference/probes.md names each kind, each option and each template."""

import re

import pytest

from resilience.health.core import expect
from resilience.health.targets import dns, function, http, local, postgresql, redis, registry, tcp, tls
from resilience.health.targets.templates import templates
from tests.docs import pages

pytestmark = pytest.mark.plain
KNOWN = [module.KNOWN for module in (dns, function, http, local, postgresql, redis, tcp, tls)]


@pytest.mark.parametrize("word", sorted({*frozenset().union(*KNOWN), *expect.OPS, *registry.kinds()}))
def test_each_word_is_there(word: str) -> None:
    """What a probe may be told is written down."""
    assert f"`{word}`" in pages.read("docs/reference/probes.md")


def test_each_template_is_there() -> None:
    """The table of templates holds all of them, and no others."""
    table = pages.read("docs/reference/probes.md").partition("## Templates")[2]
    rows = re.findall(r"^\| (`.+?) \|", table, re.MULTILINE)
    assert [name for row in rows for name in re.findall(r"`([a-z-]+)`", row)] == [one.name for one in templates()]
