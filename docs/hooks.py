"""For mkdocs: pages and files that are made of others, and the index of the search as a script."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from mkdocs.structure.files import File


def on_files(files: Any, config: Any) -> Any:
    """Add ``changes.md``, made of ``CHANGELOG.md``, and the schema of every verb's answer."""
    root = Path(config.config_file_path).parent
    text = (root / "CHANGELOG.md").read_text(encoding="utf-8")
    content = text.replace("`docs/wire.md`", "[How xpm-tui talks to Xero](wire.md)")
    files.append(File.generated(config, "changes.md", content=content))
    schema = (root / "xpm_tui" / "cli" / "answer_schemas.json").read_text(encoding="ascii")
    files.append(File.generated(config, "schema/answers.json", content=schema))
    return files


def on_post_build(config: Any) -> None:
    """Give the index of the search as a script, which a page opened from a folder can load, too."""
    site = Path(config.site_dir)
    index = (site / "search" / "search_index.json").read_text(encoding="utf-8")
    (site / "assets" / "search_index.js").write_text(f"const SEARCH_INDEX = {index}\n", encoding="utf-8")
