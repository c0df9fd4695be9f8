"""A list of items of one kind; a child class draws one."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Generic, TypeVar

from xpm_tui.tui.widgets.rows import Rows

T = TypeVar("T")


class Items(Rows, Generic[T]):
    """Holds what it shows, and knows which one is under the cursor."""

    def __init__(self) -> None:
        super().__init__()
        self.items: Sequence[T] = ()

    def show(self, items: Sequence[T], at: int = 0) -> None:
        """Other items, the cursor on one of them."""
        self.items = items
        self.reload(at)

    @property
    def current(self) -> T | None:
        """The one under the cursor."""
        return self.items[self.cursor] if 0 <= self.cursor < len(self.items) else None

    def count(self) -> int:
        """As many rows as items."""
        return len(self.items)
