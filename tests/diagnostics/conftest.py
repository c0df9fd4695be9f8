"""Practices that are connected to a sandbox process, as in the tests of the verbs."""

from __future__ import annotations

from tests.cli.conftest import command, connected, sandbox, shared, template

__all__ = ["command", "connected", "sandbox", "shared", "template"]
