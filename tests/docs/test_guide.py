"""What the guide tells an administrator to type works as it stands there, from top to bottom."""

from __future__ import annotations

from pathlib import Path

from docs.recipes import sessions
from new_user import SERVE, served

GUIDE = (Path(__file__).parents[2] / "docs" / "guide.md").read_text(encoding="utf-8")


def test_the_commands_run(tmp_path: Path) -> None:
    assert f"\n{SERVE}\n" in GUIDE
    first, *others = sessions(GUIDE)
    with served(tmp_path) as user:
        for recipe in first:  # each in a shell of its own: none may need what another one set
            shown = user.types(recipe.commands)
        assert "REGISTERED" in shown
        assert "NOT_REGISTERED" not in shown

        for recipe in (recipe for session in others for recipe in session):
            user.types(recipe.commands)
    assert (tmp_path / "qr.png").read_bytes().startswith(b"\x89PNG")
    assert "356938035643809" in (tmp_path / "inventory.csv").read_text(encoding="utf-8-sig")
