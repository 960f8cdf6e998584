"""A function of one's own (targets/functions.py).

address   the name under which code registered it
options   at_least, at_most: bounds of the number that it gives back
"""

import inspect
import time
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

from django.db import close_old_connections
from django.utils.translation import gettext as _

from portal.kit.errors import Fault
from resilience.health.targets import reach
from resilience.health.targets.base import Finding, Question, Tools, Value
from resilience.health.targets.functions import function_named, function_names
from resilience.health.targets.once import StillRunning, once

KNOWN = frozenset(("at_least", "at_most"))


class Function:
    """Calls a registered function. One that hangs holds one thread, and is not called again until it has ended."""

    def faults(self, address: str, options: Mapping[str, Any], secret: Mapping[str, Any]) -> Sequence[Fault]:
        """What is wrong with these."""
        wrong = reach.unknown_faults(options, KNOWN) + reach.unknown_faults(secret, frozenset(), "/secret")
        if function_named(address) is None:
            names = ", ".join(function_names()) or "-"
            wrong.append(Fault("/address", _("No function is registered by this name. There are: %s.") % names))
        for key in sorted(KNOWN):
            if not _is_number(options.get(key, 0)):
                wrong.append(Fault(f"/options/{key}", _("This is a number.")))
        return wrong

    def host(self, question: Question) -> str:
        """This machine."""
        return ""

    async def ask(self, question: Question, tools: Tools) -> Finding:
        """Calls it once."""
        function = function_named(question.address)
        if function is None:
            return Finding(False, 0.0, f"No function is registered by the name {question.address[:60]}.")
        started = time.perf_counter()
        try:
            if inspect.iscoroutinefunction(function):
                given = await function()
            else:
                given = await once(f"function {question.address}", partial(_called, function), tools.threads)
        except StillRunning:
            return Finding(False, 0.0, "The last run of this function has not ended yet.")
        except Exception as error:  # noqa: BLE001  whatever it raises is what it found
            given = {"ok": False, "error": f"{type(error).__name__}: {error}"}
        return understood(given, question.options, time.perf_counter() - started)


def _called(function: Callable[[], Any]) -> Any:
    """What the function gives back; connections to the database that it opened are given up when they have broken."""
    close_old_connections()
    try:
        return function()
    finally:
        close_old_connections()


def understood(given: Any, options: Mapping[str, Any], seconds: float) -> Finding:
    """What a function's result says."""
    match given:
        case Finding():
            return given
        case None | bool():
            return Finding(given is not False, seconds, "It said no." if given is False else "")
        case int() | float():
            error = _bound(given, options)
            return Finding(not error, seconds, error, {"value": given})
        case Mapping():
            return _of_mapping(given, options, seconds)
        case _:
            return Finding(False, seconds, f"It gave back {type(given).__name__}, which says nothing about health.")


def _of_mapping(given: Mapping[Any, Any], options: Mapping[str, Any], seconds: float) -> Finding:
    metadata: dict[str, Value] = {
        str(key): value if isinstance(value, str | int | float | bool | None) else str(value)
        for key, value in given.items()
        if key not in ("ok", "error")
    }
    value = given.get("value")
    error = str(given.get("error") or "") or (_bound(value, options) if _is_number(value) else "")
    ok = bool(given.get("ok", not error)) and not (error and "ok" not in given)
    bound = _bound(value, options) if ok and _is_number(value) else ""
    ok = ok and not bound
    return Finding(ok, seconds, "" if ok else bound or error or "It said no.", metadata)


def _bound(value: Any, options: Mapping[str, Any]) -> str:
    if "at_least" in options and not value >= options["at_least"]:
        return f"It is {value:g}, which is less than {options['at_least']:g}."
    if "at_most" in options and not value <= options["at_most"]:
        return f"It is {value:g}, which is more than {options['at_most']:g}."
    return ""


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
