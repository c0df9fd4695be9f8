"""Lazy imports: bound at once, loaded once, by the first thread that needs them, and never before."""

from __future__ import annotations

import subprocess
import sys
import threading
from pathlib import Path

from xpm_tui.lazy import lazy_imports, unloaded_modules


def run(folder: Path, code: str) -> str:
    """What ``code`` prints in an interpreter of its own, with modules ``one`` and ``two`` to import."""
    (folder / "one.py").write_text("print('one runs')\nimport two\nVALUE = 1\n")
    (folder / "two.py").write_text("print('two runs')\nVALUE = 2\n")
    (folder / "bad.py").write_text("print('bad runs')\nraise ValueError('no')\n")
    (folder / "slow.py").write_text(
        "import builtins\nprint('slow runs')\nbuiltins.started.set()\nbuiltins.go.wait(5)\nVALUE = 3\n"
    )
    imports = "from xpm_tui.lazy import lazy_imports, unloaded_modules"
    head = f"import sys\nsys.path.insert(0, {str(folder)!r})\n{imports}\n"
    script = head + code
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    return done.stdout


def test_a_module_runs_when_an_attribute_is_read(tmp_path: Path) -> None:
    code = (
        "with lazy_imports():\n    import one\nprint('bound', sorted(unloaded_modules()))\n"
        "print(one.VALUE, sorted(unloaded_modules()))"
    )
    assert run(tmp_path, code).splitlines() == ["bound ['one']", "one runs", "two runs", "1 []"]


def test_a_module_that_waits_already_is_bound_again_without_running(tmp_path: Path) -> None:
    code = (
        "with lazy_imports():\n    import one\n"
        "with lazy_imports():\n    import one as again\nprint(again is one, sorted(unloaded_modules()))"
    )
    assert run(tmp_path, code).splitlines() == ["True ['one']"]


def test_an_ordinary_import_of_a_name_runs_it(tmp_path: Path) -> None:
    code = "with lazy_imports():\n    import two\nfrom two import VALUE\nprint(VALUE)"
    assert run(tmp_path, code).splitlines() == ["two runs", "2"]


def test_what_a_lazy_module_imports_itself_does_not_wait(tmp_path: Path) -> None:
    code = "with lazy_imports():\n    import one\none.VALUE\nprint(sorted(unloaded_modules()))"
    assert run(tmp_path, code).splitlines() == ["one runs", "two runs", "[]"]


def test_an_error_is_raised_where_the_module_is_used_and_at_the_next_use_again(tmp_path: Path) -> None:
    code = (
        "with lazy_imports():\n    import bad\n"
        "for _ in range(2):\n    try:\n        bad.VALUE\n    except ValueError as e:\n        print(e)"
    )
    assert run(tmp_path, code).splitlines() == ["bad runs", "no", "bad runs", "no"]


def test_listing_a_module_loads_it(tmp_path: Path) -> None:
    code = "with lazy_imports():\n    import two\nprint('VALUE' in dir(two))"
    assert run(tmp_path, code).splitlines() == ["two runs", "True"]


def test_two_threads_load_a_module_once_and_neither_sees_half_of_it(tmp_path: Path) -> None:
    code = (
        "import builtins, threading\nbuiltins.started, builtins.go = threading.Event(), threading.Event()\n"
        "with lazy_imports():\n    import slow\n"
        "found = []\n"
        "first = threading.Thread(target=lambda: found.append(slow.VALUE))\n"
        "second = threading.Thread(target=lambda: found.append(slow.VALUE))\n"
        "first.start(); builtins.started.wait(5); second.start(); builtins.go.set()\n"
        "first.join(); second.join(); print(found)"
    )
    assert run(tmp_path, code).splitlines() == ["slow runs", "[3, 3]"]


def test_imports_of_other_threads_do_not_wait() -> None:
    """A block belongs to its thread: an import elsewhere at the same time is an ordinary one."""
    seen: list[bool] = []

    def other() -> None:
        __import__("colorsys")
        seen.append("colorsys" in unloaded_modules())

    with lazy_imports():
        thread = threading.Thread(target=other)
        thread.start()
        thread.join()
    assert seen == [False]
