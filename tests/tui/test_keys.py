"""Keys: each once in its area, none that a terminal swallows, no more in the footer than fit."""

from __future__ import annotations

import pytest

from xpm_tui.acts.registry import ACTS, for_area
from xpm_tui.tui.areas import AREAS
from xpm_tui.tui.keys import MOST_SHOWN, bindings

SWALLOWED = {"ctrl+s", "ctrl+z", "ctrl+b", "ctrl+a", "ctrl+j", "ctrl+h", "ctrl+m", "ctrl+i", "alt+enter"}
TAKEN = {"g", "colon", "question_mark", "escape", "q"}


@pytest.mark.parametrize("area", [area.name for area in AREAS])
def test_an_area_uses_each_key_once_and_shows_no_more_than_fit(area: str) -> None:
    keys = [act.key for act in for_area(area)]
    assert len(keys) == len(set(keys))
    assert not set(keys) & (SWALLOWED | TAKEN)
    assert sum(binding.show for binding in bindings(area)) <= MOST_SHOWN


def test_every_act_has_a_verb_or_a_key() -> None:
    assert [act.name for act in ACTS if not act.verb and not act.key] == []
