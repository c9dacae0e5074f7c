"""Pages lead to what is there, name commands that exist, and travel with the sources."""

from __future__ import annotations

import re
import shlex
import tomllib
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
from click.testing import CliRunner

from rollbook.cli.root import root

ROOT = Path(__file__).parents[2]
PAGES = sorted({*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")})
IDS = [str(page.relative_to(ROOT)) for page in PAGES]
PICTURE = ROOT / "docs" / "images" / "architecture.svg"
BLOCK = re.compile(r"^```\w*\n(?P<text>.*?)^```$", re.MULTILINE | re.DOTALL)
# What every source distribution has, whatever is asked for.
ALWAYS = {"README.md", "LICENSE", "pyproject.toml"}


def without_code(text: str) -> str:
    return re.sub(r"`[^`\n]*`", "", BLOCK.sub("", text))


def links(page: Path) -> list[str]:
    """Give what a page leads to in this repository."""
    found = re.findall(r"\]\(([^)\s]+)\)", without_code(page.read_text(encoding="utf-8")))
    return [link for link in found if not re.match(r"https?:|mailto:", link)]


def anchors(page: Path) -> set[str]:
    """Give what a code host lets one jump to: headings in their spelling there, and ids."""
    text = page.read_text(encoding="utf-8")
    headings = re.findall(r"^#+ (.*)$", BLOCK.sub("", text), re.MULTILINE)
    plain = (re.sub(r"\]\([^)]*\)|[^\w\- ]", "", heading) for heading in headings)
    return {each.lower().replace(" ", "-") for each in plain} | set(re.findall(r'id="(\w+)"', text))


@pytest.mark.parametrize("page", PAGES, ids=IDS)
def test_every_link_leads_somewhere(page: Path) -> None:
    for link in links(page):
        path, _, anchor = link.partition("#")
        target = (page.parent / path).resolve() if path else page
        assert target.exists(), link
        if anchor:
            assert anchor in anchors(target), link


def test_every_page_is_led_to() -> None:
    led_to = {
        (page.parent / link.partition("#")[0]).resolve() for page in PAGES for link in links(page)
    }
    assert set(PAGES) - led_to <= {ROOT / "README.md"}


@pytest.mark.parametrize("page", PAGES, ids=IDS)
def test_a_page_and_what_it_leads_to_is_in_the_source_distribution(page: Path) -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    shipped = project["tool"]["hatch"]["build"]["targets"]["sdist"]["include"]
    wanted = {page, *((page.parent / link.partition("#")[0]).resolve() for link in links(page))}
    for path in (str(path.relative_to(ROOT)) for path in wanted if path.is_file()):
        assert path in ALWAYS or f"/{path}" in shipped or f"/{path.split('/')[0]}" in shipped, path


def commands(page: Path) -> list[str]:
    """Give what a page tells to type of our command, in blocks of code, up to a pipe."""
    blocks = BLOCK.finditer(page.read_text(encoding="utf-8"))
    lines = "".join(block["text"] for block in blocks).replace("\\\n", " ").splitlines()
    found = [re.sub(r"^\$ ", "", line) for line in lines]
    return [line.partition(" | ")[0] for line in found if line.startswith("rollbook ")]


@pytest.mark.parametrize("page", PAGES, ids=IDS)
def test_every_command_and_its_options_exist(
    page: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("rollbook.toml").touch()  # the settings that pages name; the help shows what it says
    for line in commands(page):
        words = shlex.split(re.sub(r"\$\(.*?\)", "given", line), comments=True)
        ended = CliRunner().invoke(root, [*words[1:], "--help"])
        assert ended.exit_code == 0, f"{line}\n{ended.output}"


def test_the_make_targets_exist() -> None:
    makefile = (ROOT / "Makefile").read_text()
    for page in PAGES:
        for target in re.findall(r"^make ([\w-]+)", page.read_text(), re.MULTILINE):
            assert re.search(rf"^{target}:", makefile, re.MULTILINE), (page, target)


def test_the_picture_names_rooms_that_are_there() -> None:
    drawing = ET.fromstring(PICTURE.read_text())
    names = {
        "".join(each.itertext())
        for each in drawing.iter()
        if "code" in each.get("class", "").split()
    }
    server = ROOT / "server" / "rollbook_server"
    assert names == {"transport/", "domain/", "ports.py", "storage/", "app.py"}
    assert [name for name in names if not [*server.rglob(name.rstrip("/"))]] == []


def test_the_picture_has_colours_for_light_and_dark() -> None:
    assert "@media (prefers-color-scheme: dark)" in PICTURE.read_text()
