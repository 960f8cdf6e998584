"""Which version a change is sent against, when our own earlier deliveries have moved the entity on meanwhile."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Chain:
    """What a lane knows: the entity's `version`, and that our deliveries for `client` led there from `base`.

    `client` is "" behind a merge: nobody has seen what came of it.
    """

    version: str = ""
    base: str = ""
    client: str = ""


def version_unsaid(chain: Chain, *, client: str) -> str:
    """What a change was made on that does not say it: what the lane has delivered by now; "" when nothing is known.

    While a client's own changes lead on from somewhere ("" for a create), its next one counts as made there too: some of its earlier
    ones may still wait, and it would meet them as if they were another's.
    """
    return chain.base if chain.client == client else chain.version


def version_to_send(chain: Chain, *, base_version: str, client: str, has_base: bool = False) -> str | None:
    """The version for If-Match; None when nothing is known and the adapter has to ask.

    A client that was offline makes several changes on the same version. The first of them moves the entity on; the next ones
    follow on from there, because the client saw its own change. Another client's change on that version does not: it conflicts.
    A change without a version was taken in before anything was known of the entity (enqueue fills it in otherwise): the same holds
    for it, on the version that the chain started from. One that brings its base as a document (`has_base`) and no version is held
    against what is there.
    """
    if has_base and not base_version:
        return chain.version if chain.version and chain.client == client else None
    on = base_version or chain.base
    if not on:
        return chain.version or None
    follows = chain.version and chain.base == on and chain.client == client
    return chain.version if follows else on


def chain_after(chain: Chain, *, base_version: str, client: str, version: str | None, merged: bool = False) -> Chain:
    """What the lane knows once a change has been delivered and the entity has `version`.

    `base_version` is what the change was made on, or what the adapter found. `merged`: others' changes went into it.
    """
    continues = chain.client == client and (chain.base == base_version or not base_version) and chain.version
    base = chain.base if continues else base_version
    return Chain(version=version or "", base=base, client="" if merged else client)
