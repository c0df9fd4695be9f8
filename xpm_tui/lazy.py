"""Lazy imports: modules that are loaded when they are first used, so that start-up stays fast.

A verb must answer in a fraction of a second, so a module that declares commands or opens screens must not
load everything that they may need. Such imports are at the top of the file like all others, inside ``with
lazy_imports():``, where readers, type checkers and import contracts see them. Each imports a module, never a
name in it (``from xpm_tui.application.runs import plans``, then ``plans.make(...)``): the first access to an
attribute of the module loads it.

There are no imports inside functions. Regular expressions are compiled when they are first used, too: see
:func:`pattern`. This module does not depend on the rest of the program.
"""

from __future__ import annotations

import os
import re
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import cache
from importlib.machinery import ModuleSpec, PathFinder, SourceFileLoader
from types import ModuleType
from typing import TYPE_CHECKING, Any, AnyStr, cast

if TYPE_CHECKING:
    # Their base classes would load twenty more modules; the import system only needs the methods.
    from importlib.abc import Loader, MetaPathFinder
else:
    Loader = MetaPathFinder = object

_PASSIVE = frozenset(
    {"__class__", "__dict__", "__file__", "__loader__", "__name__", "__package__", "__path__", "__spec__"}
)
"""Attributes that the import system itself reads: these do not load the module."""


class _Pending:
    """A module that was imported but not loaded: its loader, and the thread that loads it."""

    def __init__(self, loader: Loader) -> None:
        self.loader = loader
        self.lock = threading.RLock()
        self.thread = 0


_ROOT = __name__.partition(".")[0]
_pending: dict[str, _Pending] = {}
_block = threading.local()


class _LazyModule(ModuleType):
    """A module whose code runs when one of its attributes is first read."""

    def __getattribute__(self, name: str) -> Any:
        if name not in _PASSIVE:
            load(self)
        return ModuleType.__getattribute__(self, name)

    def __dir__(self) -> list[str]:
        load(self)
        return list(ModuleType.__dir__(self))

    def __setattr__(self, name: str, value: Any) -> None:
        # The import system binds a submodule to its package: no reason to load the package.
        if name not in _PASSIVE and not isinstance(value, ModuleType):
            load(self)
        ModuleType.__setattr__(self, name, value)

    def __delattr__(self, name: str) -> None:
        load(self)
        ModuleType.__delattr__(self, name)


def load(module: ModuleType) -> None:
    """Run the code of a waiting module; nothing happens if it is loaded or being loaded by this thread."""
    pending = _pending.get(module.__name__)
    if pending is None:
        return
    with pending.lock:
        if pending.thread == threading.get_ident() or module.__name__ not in _pending:
            return
        pending.thread = threading.get_ident()
        blocked, _block.active = getattr(_block, "active", False), False
        try:
            pending.loader.exec_module(module)
        finally:
            _block.active = blocked
            pending.thread = 0
        module.__class__ = ModuleType
        del _pending[module.__name__]


class _LazyLoader(Loader):
    """Creates the module and leaves its code for later."""

    def __init__(self, loader: Loader) -> None:
        self._loader = loader

    def create_module(self, spec: ModuleSpec) -> ModuleType | None:
        return self._loader.create_module(spec)

    def exec_module(self, module: ModuleType) -> None:
        assert module.__spec__ is not None
        module.__spec__.loader = module.__loader__ = self._loader
        _pending[module.__name__] = _Pending(self._loader)
        module.__class__ = _LazyModule


class _LazyFinder(MetaPathFinder):
    """Finds our modules, and those imported inside a block of lazy imports by the thread that runs it."""

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        is_lazy = getattr(_block, "active", False)
        if fullname.partition(".")[0] == _ROOT:
            return _own_module(fullname, path or (), is_lazy)
        if not is_lazy:
            return None
        spec = PathFinder.find_spec(fullname, path, target)
        if spec is None or spec.loader is None:
            return None
        spec.loader = _LazyLoader(spec.loader)
        return spec


def _own_module(name: str, folders: Sequence[str], is_lazy: bool) -> ModuleSpec | None:
    """Return the spec of a module of this program, from one listing of each folder.

    Python's own finder asks the file system several times for each import.

    Returns:
        None for what is not a source file: our packages contain one docstring each, and need not be lazy.
    """
    file = f"{name.rpartition('.')[2]}.py"
    for folder in folders:
        if file in _listing(folder):
            path = f"{folder}/{file}"
            loader = SourceFileLoader(name, path)
            spec = ModuleSpec(name, _LazyLoader(loader) if is_lazy else loader, origin=path)
            spec.has_location = True
            return spec
    return None


@cache
def _listing(folder: str) -> frozenset[str]:
    try:
        return frozenset(os.listdir(folder))
    except OSError:
        return frozenset()


_FINDER = _LazyFinder()


def unloaded_modules() -> frozenset[str]:
    """Return the names of the modules that are imported but not loaded."""
    return frozenset(_pending)


@contextmanager
def lazy_imports() -> Iterator[None]:
    """Delay the imports of this block until they are used.

    Only modules can be imported inside the block; a name from a module would load it at once.
    """
    if _FINDER not in sys.meta_path:
        sys.meta_path.insert(0, _FINDER)
    before, _block.active = getattr(_block, "active", False), True
    try:
        yield
    finally:
        _block.active = before


class _LazyPattern:
    """A regular expression that is compiled when one of its methods is first used."""

    def __init__(self, text: str | bytes, flags: re.RegexFlag | int) -> None:
        self._text = text
        self._flags = flags

    def __getattr__(self, name: str) -> Any:
        # Only reached once per method: the bound method is kept on the object.
        found = getattr(re.compile(self._text, self._flags), name)
        setattr(self, name, found)
        return found


def pattern(text: AnyStr, flags: re.RegexFlag | int = 0) -> re.Pattern[AnyStr]:
    """Return a regular expression that is compiled when it is first used.

    Compiling takes up to 2 ms each, and most verbs use few of those that their modules define.
    """
    return cast("re.Pattern[AnyStr]", _LazyPattern(text, flags))
