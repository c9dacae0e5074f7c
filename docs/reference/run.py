"""Writes the API reference: `run.py FOLDER`; whatever else is in the folder is removed.

The one generator of such pages that knows every language, protoc-gen-doc, has had no release
since 2022, and could make nothing of who may call an RPC and why it fails.
"""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))  # `reference`, as its modules know it

from reference.pages import Pages
from reference.reading import read


def main(folder: Path) -> None:
    """Write every page."""
    folder.mkdir(parents=True, exist_ok=True)
    pages = Pages(read()).all()
    for path in folder.glob("*.md"):
        if path.name not in pages:
            path.unlink()
    for name, text in pages.items():
        (folder / name).write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
