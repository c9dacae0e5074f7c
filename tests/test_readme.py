"""What the README tells a new user to type works as it stands there."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from running import Server, ServerProcess

README = (Path(__file__).parents[1] / "README.md").read_text(encoding="utf-8")
DEVICE = "IMEI,Serial Number,Manufacturer\n356938035643809,R58M123ABC,Samsung\n1,,\n"


def blocks(kind: str) -> list[str]:
    return re.findall(rf"```{kind}\n(.*?)```", README, re.DOTALL)


def commands(block: str) -> list[str]:
    return [line.removeprefix("$ ") for line in block.splitlines() if line.startswith("$ ")]


def run(
    command: str, folder: Path, environment: dict[str, str]
) -> subprocess.CompletedProcess[str]:
    """Run a shell command as a user in that folder, with this environment's programs."""
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    return subprocess.run(
        ["bash", "-c", command],
        cwd=folder,
        env={**os.environ, **environment, "PATH": path},
        capture_output=True,
        text=True,
        check=False,
    )


def test_it_opens_with_the_two_commands() -> None:
    assert blocks("")[0].split("\n") == ["make demo", "make test", ""]


def test_the_ten_lines_run(server: Server, tmp_path: Path) -> None:
    (script,) = blocks("python")
    assert len(script.splitlines()) == 10
    (tmp_path / "devices.csv").write_text(DEVICE)
    (tmp_path / "script.py").write_text(script)
    environment = {"ROLLBOOK_ADDRESS": server.address, "ROLLBOOK_API_KEY": server.api_key}
    done = run(f"{sys.executable} script.py", tmp_path, environment)
    assert (done.stdout, done.stderr) == ("1 on the roll, 1 rejected\nREGISTERED\n", "")


def test_the_commands_run(process: ServerProcess, tmp_path: Path) -> None:
    environment = {
        "ROLLBOOK_ADDRESS": process.address,
        "ROLLBOOK_DATA_DIR": str(process.data_dir),
    }
    for command in commands(blocks("console")[0]):
        done = run(command, tmp_path, environment)
        assert done.returncode == 0, (command, done.stdout, done.stderr)
    assert "REGISTERED" in done.stdout
    assert (tmp_path / "qr.png").read_bytes().startswith(b"\x89PNG")


@pytest.mark.skipif(
    shutil.which("grpcurl") is None and not os.environ.get("CI"),
    reason="grpcurl is not installed: "
    "go install github.com/fullstorydev/grpcurl/cmd/grpcurl@latest",
)
def test_the_grpcurl_commands_run(process: ServerProcess, tmp_path: Path) -> None:
    for command in commands(blocks("console")[1]):
        here = command.replace("127.0.0.1:7443", process.address)
        done = run(here, tmp_path, {})
        assert done.returncode == 0, (command, done.stdout, done.stderr)
    assert "NOT_REGISTERED" in done.stdout


def test_the_make_targets_exist() -> None:
    makefile = (Path(__file__).parents[1] / "Makefile").read_text()
    for target in re.findall(r"^make (\w+)", README, re.MULTILINE):
        assert re.search(rf"^{target}:", makefile, re.MULTILINE), target
