"""Every golden file with the function that collects its content from the current product."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path

from tests.interface import answers, control, fields, static
from tests.interface.golden import Tree


def _declared(collect: Callable[[], Tree]) -> Callable[[Path], Tree]:
    return lambda folder: collect()


FILES: dict[str, Callable[[Path], Tree]] = {
    "verbs": _declared(static.verbs),
    "settings": _declared(static.settings),
    "keys": _declared(static.keys),
    "environment": _declared(static.environment),
    "codes": _declared(static.codes),
    "entries": _declared(static.entries),
    "sandbox": _declared(control.sandbox),
    "fields": fields.fields,
    **{f"answers_{script}": partial(answers.answers, script) for script in answers.SCRIPTS},
}
"""By name; each is given an empty folder to work in."""
