"""The condition of the practice in the answer of a verb: a sentence on stderr, JSON fields, exit code 8.

Every verb that opens the store passes through here, whatever it does with it; ``tests/cli/test_condition.py``
runs all of them over damaged stores.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from xpm_tui.commands.command import AccountContext, Command, Result
from xpm_tui.domain.errors import AppError, StoreUnreadable
from xpm_tui.lazy import lazy_imports

with lazy_imports():
    from xpm_tui.application import condition
    from xpm_tui.application import practice as application_practice
    from xpm_tui.store import manifest

if TYPE_CHECKING:
    from xpm_tui.application.condition import Condition

MAY_SUCCEED = ("data.check", "data.repair", "data.restore", "doctor")
"""Acts on a damaged store that may end well: they look for the damage, or put it right."""

ON_HOME = ("data.check", "data.repair", "data.compact", "data.backup", "data.restore", "doctor", "cases.seen")
"""Acts that open no practice by themselves and look into its store all the same."""

_DAMAGED = StoreUnreadable.exit_code


@contextmanager
def condition_on_error(find: Callable[[], tuple[Condition, ...]]) -> Iterator[None]:
    """Let what ends the verb early carry the condition of the practice with it."""
    try:
        yield
    except Exception as error:
        _attach(error, find())
        raise


def with_condition(act: Command[Any], result: Result, found: tuple[Condition, ...]) -> Result:
    """The result of a verb with the condition of the practice that it is from.

    From a damaged store nothing is a good result, but for what is there to deal with the damage.
    """
    if not _is_damaged(found) or (act.name in MAY_SUCCEED and result.trouble is None):
        return replace(result, conditions=found)
    trouble = result.trouble or _trouble(found)
    trouble.exit_code = _DAMAGED
    return replace(result, conditions=found, trouble=trouble)


def account_condition(act: Command[Any], place: AccountContext) -> tuple[Condition, ...]:
    """The condition of the store that an act without an open practice has looked into."""
    if act.name not in ON_HOME:
        return ()

    try:
        with application_practice.open_practice(
            place.home, place.practice or None, person=place.person, read_only=True, lenient=True
        ) as practice:
            return condition.conditions(practice)
    except AppError as trouble:
        return error_condition(trouble)


def error_condition(trouble: BaseException) -> tuple[Condition, ...]:
    """The condition of a store that could not be opened at all."""
    if not isinstance(trouble, StoreUnreadable):
        return ()

    return (condition.damaged(trouble),) if isinstance(trouble, manifest.StoreDamaged) else ()


def attached(error: BaseException) -> tuple[Condition, ...]:
    """The condition that an error carries: that of its practice, or that of a store too damaged to open."""
    found: tuple[Condition, ...] = getattr(error, "conditions", ())
    if not found and isinstance(error, Exception):
        found = error_condition(error)
        _attach(error, found)
    return found


def data(found: Sequence[Condition]) -> dict[str, Any]:
    """``condition`` (the worst) and ``conditions`` (all, the worst first), for JSON."""
    if not found:
        return {}
    listed = [{"state": each.state, "message": each.message} for each in found]
    return {"condition": listed[0], "conditions": listed}


def sentences(found: Sequence[Condition], trouble: AppError | None) -> Iterator[str]:
    """Return the conditions for stderr as sentences, except *sound*.

    A condition that begins with the message of ``trouble`` is left out: the error's own hint says what to do.
    """
    said = trouble.message if trouble is not None else ""
    for each in found:
        if each.message and not (said and each.message.startswith(said)):
            yield each.message


def _attach(error: Exception, found: tuple[Condition, ...]) -> None:
    error.conditions = found  # type: ignore[attr-defined]
    if isinstance(error, AppError) and _is_damaged(found):
        error.exit_code = _DAMAGED
        if error.message in found[0].message:
            error.message = found[0].message


def _is_damaged(found: Sequence[Condition]) -> bool:
    return any(each.state == "damaged" for each in found)


def _trouble(found: Sequence[Condition]) -> AppError:

    worst = next(each for each in found if each.state == "damaged")
    return StoreUnreadable(worst.message, hint=manifest.WAY_OUT)
