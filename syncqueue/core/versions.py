"""Which version a change is sent against, when our own earlier deliveries have moved the entity on meanwhile."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Chain:
    """What a lane knows: the entity's `version`, and that our deliveries for `client` led there from `base`."""

    version: str = ""
    base: str = ""
    client: str = ""


def version_to_send(chain: Chain, *, base_version: str, client: str) -> str | None:
    """The version for If-Match; None when nothing is known and the adapter has to ask.

    A client that was offline makes several changes on the same version. The first of them moves the entity on; the next ones
    follow on from there, because the client saw its own change. Another client's change on that version does not: it conflicts.
    """
    if not base_version:
        return chain.version or None
    follows = chain.version and chain.base == base_version and chain.client == client
    return chain.version if follows else base_version


def chain_after(chain: Chain, *, base_version: str, client: str, version: str | None) -> Chain:
    """What the lane knows once a change has been delivered and the entity has `version`."""
    continues = chain.client == client and (chain.base == base_version or not base_version) and chain.version
    return Chain(version=version or "", base=chain.base if continues else base_version, client=client)
