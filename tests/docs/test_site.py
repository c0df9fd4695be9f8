"""The site works from a folder without a server: pages, search, light and dark, nothing from elsewhere."""

from __future__ import annotations

import importlib.util
import subprocess
import sys
from pathlib import Path

import pytest

from tests.docs.reader import ROOT
from tests.support.chromium import chromium, find_chromium

SEARCH = """(() => { const box = document.getElementById("search"); box.value = "%s";
box.dispatchEvent(new Event("input")); return document.querySelector("#found a")?.textContent ?? "" })()"""
BACK = "getComputedStyle(document.body).backgroundColor"


@pytest.mark.soak
@pytest.mark.skipif(not find_chromium() or not importlib.util.find_spec("mkdocs"), reason="needs a browser")
def test_the_site_is_searched_without_a_server(tmp_path: Path) -> None:
    site = tmp_path / "site"
    build = [sys.executable, "-m", "mkdocs", "build", "--strict", "--quiet", "--site-dir", str(site)]
    subprocess.run(build, cwd=ROOT, check=True, timeout=120)
    assert (site / "schema" / "answers.json").exists()
    with chromium(find_chromium(), tmp_path / "profile") as browser:
        browser.prefer("dark")
        browser.go((site / "adr" / "0001-lazy-imports.html").as_uri())
        browser.until('typeof SEARCH_INDEX === "object" && typeof lunr === "function"')
        dark = browser.ask(BACK)
        assert "same name" in browser.ask(SEARCH % "clients same name")
        assert browser.ask(SEARCH % "zebra xylophone") == ""
        browser.ask('document.querySelector("#theme").click()')
        assert browser.ask(BACK) != dark
        assert [url for url in browser.requested if not url.startswith("file:")] == []
