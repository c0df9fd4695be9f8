"""A process for the tests: twenty tasks ask for a token at once. Prints the tokens' unverified_claims."""

from __future__ import annotations

import asyncio
import json
import sys
from pathlib import Path

from tests.xero.fake import Sink
from xpm_tui.files.machine import SystemClock
from xpm_tui.xero.auth.authorization import unverified_claims
from xpm_tui.xero.config import WireConfig
from xpm_tui.xero.wiring import open_wire


async def main(folder: Path, origin: str) -> None:
    """Ask twenty times at once."""
    config = WireConfig(client_id="A1B2C3", identity_url=origin, api_url=origin, login_url=origin)
    async with open_wire(
        config, state_folder=folder / "state", config_folder=folder / "config", use_keyring=False,
        clock=SystemClock(), events=Sink(), environ={},
    ) as wire:  # fmt: skip
        print("ready", flush=True)
        sys.stdin.readline()
        found = await asyncio.gather(*(wire.tokens.access() for _ in range(20)))
        print(json.dumps([unverified_claims(token.reveal())["jti"] for token in found]))


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1]), sys.argv[2]))
