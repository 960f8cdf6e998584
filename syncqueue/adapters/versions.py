"""Versions as entity tags (RFC 9110, 8.8.3 and 13.1.1). Pure.

If-Match compares strongly: a weak tag (W/"1") in it never matches at a server that keeps to the standard. Weak tags are common
all the same, since proxies that compress make them of strong ones. So a weak version is sent as its strong form first, and when
that is answered with 412 although the upstream still has that very version, once more letter by letter. Both are conditional: no
write of others is lost.
"""

import re

LONGEST = 200
_TAG = re.compile(r'(?:W/)?"[\x21\x23-\x7e\x80-\xff]*"')


def entity_tag(value: str | None) -> str | None:
    """The version that an ETag header gives; None when there is none, or it is no entity tag and cannot be sent back."""
    if not value or len(value) > LONGEST:
        return None
    value = value.strip()
    return value if _TAG.fullmatch(value) else None


def is_weak(version: str) -> bool:
    """Whether the version is a weak entity tag."""
    return version.startswith("W/")


def strong_form(version: str) -> str:
    """The version without the mark that makes it weak."""
    return version.removeprefix("W/")


def matches(left: str | None, right: str | None) -> bool:
    """Whether both are known and name the same version, weak or strong."""
    return left is not None and right is not None and strong_form(left) == strong_form(right)
