"""Which version a change is sent against: its own, or the one that its client's earlier changes led to."""

import pytest

from syncqueue.core.versions import Chain, chain_after, version_to_send, version_unsaid

pytestmark = pytest.mark.plain

LED = Chain('"5"', '"1"', "laptop")


@pytest.mark.parametrize(
    ("chain", "base_version", "client", "has_base", "sent"),
    [
        (Chain(), "", "laptop", False, None),
        (Chain(), '"1"', "laptop", False, '"1"'),
        (Chain('"5"'), "", "laptop", False, '"5"'),
        (LED, '"1"', "laptop", False, '"5"'),
        (LED, '"1"', "phone", False, '"1"'),
        (LED, '"3"', "laptop", False, '"3"'),
        (LED, '"5"', "phone", False, '"5"'),
        (LED, "", "laptop", False, '"5"'),
        (LED, "", "phone", False, '"1"'),
        (LED, "", "laptop", True, '"5"'),
        (LED, "", "phone", True, None),
        (Chain('"5"', '"1"', ""), '"1"', "laptop", False, '"1"'),
    ],
)
def test_version_to_send(chain: Chain, base_version: str, client: str, has_base: bool, sent: str | None) -> None:
    """Followers of the same client go on from where its changes led; another client's, or any behind a merge, do not."""
    assert version_to_send(chain, base_version=base_version, client=client, has_base=has_base) == sent


def test_a_chain_keeps_the_base_that_it_started_from() -> None:
    """As long as one client's changes on one version follow each other."""
    chain = Chain()
    for n in range(2, 6):
        chain = chain_after(chain, base_version='"1"', client="laptop", version=f'"{n}"')
    assert chain == LED
    assert chain_after(chain, base_version='"1"', client="phone", version='"6"') == Chain('"6"', '"1"', "phone")
    assert chain_after(chain, base_version='"5"', client="laptop", version='"6"') == Chain('"6"', '"5"', "laptop")


def test_behind_a_merge_nobody_has_seen_what_came_of_it() -> None:
    """So the next change of the same client is held against it."""
    chain = chain_after(LED, base_version='"1"', client="laptop", version='"9"', merged=True)
    assert chain == Chain('"9"', '"1"', "")
    assert version_to_send(chain, base_version='"1"', client="laptop") == '"1"'


def test_a_delete_leaves_no_version() -> None:
    """What comes next asks the upstream."""
    assert chain_after(LED, base_version='"1"', client="laptop", version=None).version == ""


@pytest.mark.parametrize(
    ("chain", "client", "base_version"),
    [
        (Chain(), "laptop", ""),
        (LED, "laptop", '"1"'),
        (Chain('"5"', "", "laptop"), "laptop", ""),
        (LED, "phone", '"5"'),
        (Chain('"9"', '"1"', ""), "laptop", '"9"'),
    ],
)
def test_what_is_unsaid_follows_on_from_its_clients_own(chain: Chain, client: str, base_version: str) -> None:
    """A client that says nothing saw its own changes; another one, what was delivered."""
    assert version_unsaid(chain, client=client) == base_version
