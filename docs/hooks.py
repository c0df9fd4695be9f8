"""For mkdocs: the release notes are the CHANGELOG, as it stands beside the pages."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from mkdocs.structure.files import File


def on_files(files: Any, config: Any) -> Any:
    """Add ``changes.md``, made of ``CHANGELOG.md``."""
    text = (Path(config.config_file_path).parent / "CHANGELOG.md").read_text(encoding="utf-8")
    content = text.replace("`docs/wire.md`", "[How xpm-tui talks to Xero](wire.md)")
    files.append(File.generated(config, "changes.md", content=content))
    return files
