"""`make screenshots`: pictures of what the commands really write."""

from __future__ import annotations

import re
import subprocess
import sys
from html import unescape
from pathlib import Path
from xml.etree import ElementTree as ET

from running import unset_environment
from screenshots.scenes import SCENES

ROOT = Path(__file__).parents[2]
IMAGES = ROOT / "docs" / "images"
SHOWN = {
    "upload": ("SPREADSHEET_EXPONENT", "4 rejected rows are in devices.rejected.csv."),
    "profiles": ("Warehouse scanners", "Associated User"),
    "explain": ("NOT_REGISTERED", "its manufacturer is 'Zebra'"),
}


def words(path: Path) -> str:
    """Give what can be read in a picture."""
    texts = ET.parse(path).iter("{http://www.w3.org/2000/svg}text")
    return unescape(" ".join(text.text or "" for text in texts)).replace("\xa0", " ")


def test_pictures_show_what_commands_write(tmp_path: Path) -> None:
    script = ROOT / "tests" / "screenshots" / "run.py"
    command = [sys.executable, str(script), str(tmp_path), *SHOWN]
    subprocess.run(command, env=unset_environment(), check=True, stdout=subprocess.DEVNULL)
    for name, told in SHOWN.items():
        seen = words(tmp_path / f"{name}.svg")
        assert all(each in seen for each in told), (name, seen)


def test_every_scene_has_its_picture_and_needs_nothing_of_others() -> None:
    assert {path.stem for path in IMAGES.glob("*.svg")} >= {*SCENES}
    for name in SCENES:
        picture = (IMAGES / f"{name}.svg").read_text(encoding="utf-8")
        assert "$ rollbook" in words(IMAGES / f"{name}.svg")
        links = set(re.findall(r"https?://[^\"'\s)<]+", picture))
        assert links <= {"http://www.w3.org/2000/svg", "https://www.textualize.io"}


def test_the_pictures_of_the_readme_are_there() -> None:
    named = re.findall(r"!\[[^\]]+\]\((docs/images/[^)]+)\)", (ROOT / "README.md").read_text())
    assert named
    assert [name for name in named if not (ROOT / name).exists()] == []
