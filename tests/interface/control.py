"""The sandbox as scripts use it: its first line, its control API, faults and switches."""

from __future__ import annotations

import json
import re
import urllib.error
import urllib.request

from tests.interface.answers import shape
from tests.interface.golden import Tree, word
from tests.support.sandbox_process import SandboxProcess, sandbox_process


def sandbox() -> Tree:
    """Every route with its methods, and the keys of what it answers to a GET."""
    with sandbox_process(clients=12) as process:
        (about, routes) = _ask(process, "GET", "no-such-route")
        assert about == 404
        names = ["", *(name for name in _listed(routes) if name)]
        tree: dict[str, Tree | str] = {
            "first line": shape([process.greeting]),
            "faults": {"kinds": _words(process, "faults", {"kind": "x"}),
                       "fields": _words(process, "faults", {"kind": "500", "no-such": "x"})},
            "colleague": {"edits": _words(process, "colleague", {})},
        }  # fmt: skip
        for name in names:
            _, refusal = _ask(process, "PATCH", name)
            methods = re.findall(r"\b(?:GET|POST|PUT|DELETE)\b", refusal.partition(" takes ")[2])
            route: dict[str, Tree | str] = {"methods": " ".join(methods)}
            if "GET" in methods:
                status, text = _ask(process, "GET", name)
                assert status == 200, (name, text)
                route["answer"] = shape([json.loads(text)])
            tree[f"/_sandbox/{name}".rstrip("/")] = route
    return tree


def _words(process: SandboxProcess, route: str, body: dict[str, str]) -> str:
    return " ".join(word(each) for each in _listed(_ask(process, "POST", route, body)[1]))


def _listed(error: str) -> list[str]:
    """The list at the end of a refusal: "There is no x. Known: a, b."."""
    sentence = str(json.loads(error)["error"]).removesuffix(".")
    return sentence.rpartition(": ")[2].removeprefix("one of ").split(", ")


def _ask(process: SandboxProcess, method: str, route: str, body: object = None) -> tuple[int, str]:
    request = urllib.request.Request(
        f"{process.greeting['api_url']}/_sandbox/{route}".rstrip("/"),
        data=None if body is None else json.dumps(body).encode(),
        method=method,
        headers={"Content-Type": "application/json"},
    )
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(request, timeout=60) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.read().decode()
