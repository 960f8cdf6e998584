"""Which errors a setting means: by code, by type, or by a predicate."""

import logging
from collections.abc import Callable, Collection
from typing import TypeAlias, TypeGuard

from resilience.patterns.errors import ConfigError, code_of

Errors: TypeAlias = str | type[Exception] | Collection[str | type[Exception]] | Callable[[Exception], bool]
"""Codes as `code_of` gives them, types of errors, a collection of both, or a predicate."""

_MOST_NOTES = 8
"""An error object that is raised again and again must not grow for ever."""

_log = logging.getLogger("resilience.patterns")


class Matcher:
    """Tells whether an error is one of those that were named; None names them all. Raises ConfigError for what names none."""

    __slots__ = ("_codes", "_everything", "_field", "_predicate", "_types")

    def __init__(self, errors: Errors | None, field: str) -> None:
        self._field = field
        self._everything = errors is None
        self._predicate: Callable[[Exception], bool] | None = None
        named: tuple[object, ...] = ()
        if isinstance(errors, str | type) or not (errors is None or callable(errors) or isinstance(errors, Collection)):
            named = (errors,)
        elif isinstance(errors, Collection):
            named = tuple(errors)
        else:
            self._predicate = errors
        self._codes = frozenset(one for one in named if isinstance(one, str) and one)
        self._types = tuple(one for one in named if is_error_type(one))
        if not all(is_error_type(one) or (isinstance(one, str) and one) for one in named):
            raise ConfigError(field, errors, 'codes (strings, as "503"), subclasses of Exception, or a predicate')

    def __call__(self, error: Exception) -> bool:
        """Whether it is one of them. A predicate that raises says no, and is logged: it must not take the error's place."""
        if self._predicate is not None:
            try:
                return bool(self._predicate(error))
            except Exception:  # noqa: BLE001
                _log.exception("The predicate %s raised; a %s is not counted in.", self._field, type(error).__name__)
                return False
        if self._everything or isinstance(error, self._types):
            return True
        return bool(self._codes) and code_of(error) in self._codes


def is_error_type(value: object) -> TypeGuard[type[Exception]]:
    """Whether it is a class of errors that patterns may handle: no exit, no interrupt, no cancellation."""
    return isinstance(value, type) and issubclass(value, Exception)


def note(error: BaseException, text: str) -> None:
    """Adds a note to an error, unless it has that one already, or too many."""
    notes = getattr(error, "__notes__", ())
    if text not in notes and len(notes) < _MOST_NOTES:
        error.add_note(text)
