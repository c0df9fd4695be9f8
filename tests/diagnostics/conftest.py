"""Practices connected to a sandbox process, as the verbs' tests have them."""

from __future__ import annotations

from tests.cli.conftest import command, connected, sandbox, shared, template

__all__ = ["command", "connected", "sandbox", "shared", "template"]
