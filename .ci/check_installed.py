"""Run by the Python of an environment that xpm-tui was just installed into, away from any checkout."""

import importlib.metadata
import json
import pathlib
import subprocess
import sys
import tempfile

import xpm_tui
from xpm_tui.tui.theme import stylesheet_path

prefix = pathlib.Path(sys.prefix)
command = prefix / "bin" / "xpm-tui"


def run(*words: str) -> str:
    return subprocess.run([command, *words], check=True, capture_output=True, text=True).stdout


def need(what: bool, words: str) -> None:
    if not what:
        sys.exit(f"not installed correctly: {words}")


version = importlib.metadata.version("xpm-tui")
place = pathlib.Path(xpm_tui.__file__)
need(prefix in place.parents, f"{place} is not of this environment")
need(version == xpm_tui.__version__, "the versions of package and metadata differ")
need(version in run("--version"), "xpm-tui --version")
sheets = [pathlib.Path(stylesheet_path(name)) for name in ("console", "dialog", "doctor")]
need(all(sheet.is_file() and prefix in sheet.parents for sheet in sheets), "stylesheets")
need((prefix / "share" / "man" / "man1" / "xpm-tui.1").is_file(), "the man page")
for shell in ("bash", "zsh", "fish"):
    need("_XPM_TUI_COMPLETE" in run("completion", shell), f"completion for {shell}")
with tempfile.TemporaryDirectory() as home:
    told = json.loads(run("--home", home, "doctor", "--json", "--from", "versions"))
    need(told["ok"] is True, "libraries")
print(f"xpm-tui {version}: command, stylesheets, man page, completion")
