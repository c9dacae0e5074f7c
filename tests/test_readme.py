"""What the README tells a new user to type works as it stands there, from top to bottom."""

from __future__ import annotations

import os
import re
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from new_user import SERVE, NewUser, served

if TYPE_CHECKING:
    from collections.abc import Iterator

README = (Path(__file__).parents[1] / "README.md").read_text(encoding="utf-8")


def blocks(kind: str) -> list[str]:
    return re.findall(rf"```{kind}\n(.*?)```", README, re.DOTALL)


def commands(block: str) -> list[str]:
    return [line.removeprefix("$ ") for line in block.splitlines() if line.startswith("$ ")]


USE, LATER, KEYS, SCRIPT, GRPCURL = map(commands, blocks("console"))


@pytest.fixture
def user(tmp_path: Path) -> Iterator[NewUser]:
    """Give a new user, in whose other terminal the server of the README runs."""
    assert f"\n{SERVE}\n" in README
    with served(tmp_path) as user:
        yield user


def test_it_opens_with_the_two_commands() -> None:
    assert blocks("")[0].split("\n") == ["make demo", "make test", ""]


def save_script(user: NewUser) -> None:
    (script,) = blocks("python")
    assert len(script.splitlines()) == 10
    (user.home / "script.py").write_text(script)


def test_the_commands_and_then_the_ten_lines_run(user: NewUser) -> None:
    for line in USE:  # each in a shell of its own: none may need what another one set
        shown = user.types(line)
    assert "REGISTERED" in shown
    assert "NOT_REGISTERED" not in shown
    assert (user.home / "qr.png").read_bytes().startswith(b"\x89PNG")

    for line in (*LATER, *KEYS):
        user.types(line)
    inventory = (user.home / "inventory.csv").read_text(encoding="utf-8-sig")
    assert "356938035643809" in inventory

    save_script(user)
    assert user.types(*SCRIPT) == "1 rows, 0 rejected\nREGISTERED\n"


def test_the_ten_lines_run_without_the_commands_before(user: NewUser) -> None:
    (template,) = re.findall(r"`devices.csv` is what `(.*?)` gives", README)
    user.types(template)
    save_script(user)
    assert user.types(*SCRIPT) == "1 rows, 0 rejected\nREGISTERED\n"


@pytest.mark.skipif(
    shutil.which("grpcurl") is None and not os.environ.get("CI"),
    reason="grpcurl is not installed: "
    "go install github.com/fullstorydev/grpcurl/cmd/grpcurl@latest",
)
def test_the_grpcurl_commands_run(user: NewUser) -> None:
    for line in GRPCURL:
        shown = user.types(line)
    assert "NOT_REGISTERED" in shown


def test_the_make_targets_exist() -> None:
    makefile = (Path(__file__).parents[1] / "Makefile").read_text()
    for target in re.findall(r"^make ([\w-]+)", README, re.MULTILINE):
        assert re.search(rf"^{target}:", makefile, re.MULTILINE), target
