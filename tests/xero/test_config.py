"""The wire's settings: origins, scopes, and secrets that are never shown."""

from __future__ import annotations

import pickle

import pytest

from xpm_tui.domain.errors import BadInput
from xpm_tui.domain.secret import Secret
from xpm_tui.xero.config import WireConfig, is_loopback, parse_origin, parse_scopes


@pytest.mark.parametrize(
    ("text", "origin"),
    [
        ("https://api.xero.com/", "https://api.xero.com"),
        (" http://localhost:8080 ", "http://localhost:8080"),
        ("http://127.0.0.1:1", "http://127.0.0.1:1"),
        ("http://[::1]:9", "http://[::1]:9"),
    ],
)
def test_origins(text: str, origin: str) -> None:
    assert parse_origin(text, "xero.api_url") == origin


@pytest.mark.parametrize(
    "text",
    ["", "api.xero.com", "ftp://x", "https://x/path", "https://u:p@x", "http://api.xero.com", "https://x?q=1",
     "https://x:99999", "http://localhost.evil.example"],
)  # fmt: skip
def test_what_is_no_origin_is_refused_by_name(text: str) -> None:
    with pytest.raises(BadInput, match=r"xero\.api_url"):
        WireConfig(client_id="A", api_url=text)


def test_loopback() -> None:
    assert is_loopback("LOCALHOST")
    assert is_loopback("127.1.2.3")
    assert not is_loopback("localhost.example")


def test_scopes_are_tidied_and_checked() -> None:
    assert parse_scopes(" a,b  a ") == "a b"
    for bad in ("", 'a"b', "ä"):
        with pytest.raises(BadInput):
            parse_scopes(bad)


def test_a_secret_shows_nowhere() -> None:
    config = WireConfig(client_id="A", client_secret=Secret("canary-1"))
    assert "canary-1" not in f"{config!r} {config} {config.client_secret} {config.client_secret!s:>20}"
    with pytest.raises(TypeError):
        pickle.dumps(config.client_secret)
    assert config.client_secret == Secret("canary-1")
    assert config.client_secret.reveal() == "canary-1"


def test_redirect_is_localhost_by_name() -> None:
    assert WireConfig(client_id="A", redirect_port=8765).redirect_uri == "http://localhost:8765/callback"
    with pytest.raises(BadInput, match="client_id"):
        WireConfig(client_id=" ").require_app()
