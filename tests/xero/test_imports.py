"""What the wire loads: the light parts load no HTTP library, and nothing loads httpx2."""

from __future__ import annotations

import subprocess
import sys

import pytest

LIGHT = [
    "xpm_tui.xero.config",
    "xpm_tui.xero.auth.authorization",
    "xpm_tui.xero.auth.callback_listener",
    "xpm_tui.xero.auth.session",
    "xpm_tui.xero.auth.token_store",
    "xpm_tui.xero.codec.deserializers",
    "xpm_tui.xero.codec.request_bodies",
    "xpm_tui.xero.rate_limiter",
    "xpm_tui.xero.shared_access",
]


def loaded(*modules: str) -> set[str]:
    """The top-level modules that importing these brings in."""
    code = (
        f"import sys\nfrom xpm_tui.lazy import unloaded_modules\nfor m in {modules!r}: __import__(m)\n"
        "print(' '.join({n.split('.')[0] for n in set(sys.modules) - unloaded_modules()}))"
    )
    return set(
        subprocess.run(
            [sys.executable, "-c", code], capture_output=True, text=True, check=True
        ).stdout.split()
    )


def test_the_light_parts_load_no_http_no_oauth_library_and_no_keyring() -> None:
    found = loaded(*LIGHT)
    assert not found & {"httpx", "httpcore", "authlib", "keyring", "cryptography", "textual", "tinydb"}


@pytest.mark.parametrize("module", ["xpm_tui.xero.wiring", "xpm_tui.xero.auth.token_endpoint"])
def test_the_whole_loads_httpx_and_never_httpx2(module: str) -> None:
    found = loaded(module)
    assert "httpx" in found
    assert not found & {"httpx2", "textual", "tinydb", "requests"}
