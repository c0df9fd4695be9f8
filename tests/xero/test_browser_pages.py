"""The pages in a browser during a sign-in: the sandbox's consent page, and those after it."""

from __future__ import annotations

import asyncio
import re
from pathlib import Path

import pytest

from tests.support.chromium import Chromium, chromium, find_chromium
from tests.support.sandbox_process import SandboxProcess, sandbox_process
from xpm_tui.cli.demo import _free_port
from xpm_tui.domain.errors import LoginNeeded
from xpm_tui.sandbox import grants
from xpm_tui.xero.auth import callback_listener
from xpm_tui.xero.auth.authorization import Authorization, begin
from xpm_tui.xero.auth.callback_listener import Listener
from xpm_tui.xero.config import WireConfig

PROGRAM = find_chromium()
PAIRS = [("text", "ground"), ("text", "surface"), ("muted", "surface"), ("on-focus", "focus"),
         ("good", "surface"), ("warn", "surface"), ("bad", "surface")]  # fmt: skip
"""Ink and paper that stand on each other."""


def themes() -> list[dict[str, str]]:
    """The colours of the light and of the dark look."""
    style = callback_listener._STYLE
    return [
        dict(re.findall(r"--([a-z-]+):(#[0-9a-f]{6})", block))
        for block in re.findall(r":root\{(.*?)\}", style, re.S)
    ]


def brightness(colour: str) -> float:
    """Relative luminance (WCAG 2.2)."""
    parts = [int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5)]
    red, green, blue = (
        part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts
    )
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def test_the_pages_look_like_one_product_and_need_nothing_from_outside() -> None:
    """One style in two files, as they share no code; light and dark; every text can be read."""
    assert grants._STYLE == callback_listener._STYLE
    light, dark = themes()
    for theme in (light, {**light, **dark}):
        for ink, paper in PAIRS:
            low, high = sorted((brightness(theme[ink]), brightness(theme[paper])))
            assert (high + 0.05) / (low + 0.05) >= 4.5, (ink, paper, theme)
    for page in (callback_listener._PAGE, callback_listener._STYLE, grants._HEAD):
        assert re.search(r"https?:|//|@import|url\(|<script|<link|<img", page) is None


def start(sandbox: SandboxProcess, port: int) -> Authorization:
    """An attempt to sign in to this sandbox."""
    return begin(
        WireConfig(
            login_url=sandbox.greeting["login_url"],
            identity_url=sandbox.greeting["identity_url"],
            api_url=sandbox.greeting["api_url"],
            client_id=sandbox.greeting["client_id"],
            redirect_port=port,
        )
    )


@pytest.mark.skipif(not PROGRAM, reason="there is no Chromium on this machine (CHROMIUM names one)")
async def test_the_pages_are_pressed_and_read_in_a_browser(tmp_path: Path) -> None:
    """Cancel, then Allow access, then the same answer again; each page says what comes next."""
    with sandbox_process() as sandbox, chromium(PROGRAM, tmp_path) as browser:
        port = _free_port()
        refused, allowed = start(sandbox, port), start(sandbox, port)
        async with Listener(refused, port) as listener:
            await asyncio.to_thread(cancel, browser, refused.url)
            with pytest.raises(LoginNeeded):
                await listener.answer()
        async with Listener(allowed, port) as listener:
            await asyncio.to_thread(allow, browser, allowed.url)
            assert (await listener.answer()).reveal()
            await asyncio.to_thread(again, browser)
        assert all(re.match(r"http://(localhost|127\.0\.0\.1):|data:", url) for url in browser.requested)


def text(browser: Chromium) -> str:
    """What the page says, on one line."""
    return " ".join(str(browser.ask("document.body.innerText")).split())


def paper(browser: Chromium) -> str:
    """The colour of the page."""
    return str(browser.ask("getComputedStyle(document.body).backgroundColor"))


def cancel(browser: Chromium, url: str) -> None:
    browser.prefer("light")
    browser.go(url)
    assert "Sandbox: this is not Xero" in text(browser)
    light = paper(browser)
    browser.prefer("dark")
    assert light == "rgb(252, 252, 250)"
    assert paper(browser) == "rgb(15, 19, 25)"
    browser.call(
        "Emulation.setDeviceMetricsOverride", width=320, height=480, deviceScaleFactor=1, mobile=False
    )
    assert browser.ask("document.documentElement.scrollWidth <= innerWidth"), "it fits a telephone"
    browser.call("Emulation.clearDeviceMetricsOverride")
    browser.go(url)  # lays the page out again before the button is pressed
    browser.press("button[value=deny]")
    browser.until("location.pathname === '/callback' && document.readyState === 'complete'")
    assert "Not connected" in text(browser)
    assert "Cancel was pressed on Xero's page." in text(browser)
    assert "Go back to the terminal" in text(browser)
    assert paper(browser) == "rgb(15, 19, 25)", "the same look after the redirect"


def allow(browser: Chromium, url: str) -> None:
    browser.go(url)
    browser.press("button[value=allow]")
    browser.until("location.pathname === '/callback' && document.readyState === 'complete'")
    assert "Signed in" in text(browser)
    assert "Go back to the terminal" in text(browser)


def again(browser: Chromium) -> None:
    browser.go(str(browser.ask("location.href")))
    assert "Already used" in text(browser)
    assert "Go back to the terminal" in text(browser)
