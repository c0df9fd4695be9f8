"""The parsed source of the product, shared by all tests that search it: a file is parsed once a process."""

from __future__ import annotations

import ast
from functools import cache


@cache
def parsed(source: str) -> ast.Module:
    """Return the syntax tree of ``source``. It is shared: do not change it."""
    return ast.parse(source)
