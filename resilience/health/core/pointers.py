"""JSON Pointers (RFC 6901): where a value stands in a document."""

from typing import Any, Final

MISSING: Final = object()
LONGEST_POINTER = 300


def pointer_fault(pointer: Any) -> str:
    """Why this is no JSON Pointer; empty when it is one."""
    if not isinstance(pointer, str):
        return "A JSON Pointer is a text, such as /status or /checks/0/ok."
    if len(pointer) > LONGEST_POINTER:
        return f"A JSON Pointer has at most {LONGEST_POINTER} characters here."
    if pointer and not pointer.startswith("/"):
        return "A JSON Pointer starts with a slash, such as /status; an empty one is the whole answer."
    rest = pointer.replace("~0", "").replace("~1", "")
    return "In a JSON Pointer ~ is written ~0, and / within a name ~1." if "~" in rest else ""


def look_up(document: Any, pointer: str) -> Any:
    """The value at a pointer; MISSING where there is none."""
    value = document
    for step in pointer.split("/")[1:]:
        key = step.replace("~1", "/").replace("~0", "~")
        if isinstance(value, dict):
            value = value.get(key, MISSING)
        elif isinstance(value, list) and _is_index(key) and int(key) < len(value):
            value = value[int(key)]
        else:
            return MISSING
    return value


def _is_index(key: str) -> bool:
    return key.isascii() and key.isdecimal() and len(key) < 10 and (key == "0" or key[0] != "0")
