"""The picture of the doctor, taken from the console: ``python -m tests.tui.pictures``.

The tutorial's pictures are those of ``tests.docs.pictures``.
"""

from __future__ import annotations

import asyncio
import tempfile
from pathlib import Path

from tests.application.fixtures import PracticeFixture
from tests.tui.fixtures import TERMINAL, press, settle
from xpm_tui.application.csv_io.imports import import_file
from xpm_tui.application.team.links import pick_staff
from xpm_tui.cli.demo import sample_files
from xpm_tui.tui.app import Console
from xpm_tui.tui.worker_thread import WorkerThread

FOLDER = Path(__file__).resolve().parents[2] / "docs" / "pictures"
PANE = 1.0
"""Seconds after which a pane shows the row under the cursor."""
SHOTS = (("doctor", ("g", "o", "colon", "=doctor", "enter")),)


async def make(folder: Path) -> None:
    """Connect, import, withdraw a permission, and take each picture."""
    env = PracticeFixture(folder, clients=250)
    await env.connect()
    for form, text in sample_files(env.sandbox.practice, 1, env.clock.now().date()).items():
        path = folder / f"{form}.csv"
        path.write_text(text, encoding="utf-8")
        import_file(env.practice, form, path)
    pick_staff(env.practice, every=True)
    for name, keys in SHOTS:
        await env.control("permission", user="ana", allowed=False)
        worker = WorkerThread(env.open)
        worker.open()
        app = Console(worker, environ=TERMINAL, welcome=False)
        async with app.run_test(size=(110, 32)) as pilot:
            await settle(pilot)
            await press(pilot, *keys)
            await pilot.pause(PANE)
            await settle(pilot)
            (FOLDER / f"{name}.svg").write_text(app.export_screenshot(title="xpm-tui"), encoding="utf-8")
        worker.close()
    env.practice.close()


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as place:
        asyncio.run(make(Path(place)))
