"""What the doctor tells of the files of a data directory, and of who may use them."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from doctor.conftest import Doctor, wrongs
from rollbook.cli.exit_codes import ExitCode
from rollbook_server import sealing_file
from rollbook_server.app import ADMIN_KEY_NAME, TOKEN_EPOCH_NAME
from rollbook_server.config import DATABASE_NAME, SEALING_KEY_NAME

pytestmark = pytest.mark.sqlite_only

# Python's own modules may be where somebody else cannot read them: so they come first.
_AS_NOBODY = """
import encodings.idna, os, signal, sys
import rollbook_server.doctor.command
from rollbook.cli.entry import run
os.setuid(65534)
sys.exit(run(sys.argv[1:]))
"""


def test_no_directory(doctor: Doctor, tmp_path: Path) -> None:
    found = doctor("--data-dir", tmp_path / "none")
    assert wrongs(found) >= {"data directory"}
    assert "Name the one of the server with --data-dir" in found["data directory"][1]
    assert not (tmp_path / "none").exists()
    (tmp_path / "file").touch()
    assert "No such" not in doctor("--data-dir", tmp_path / "none")["database"][1]


def test_an_empty_directory_is_not_wrong(doctor: Doctor, tmp_path: Path) -> None:
    folder = tmp_path / "new"
    folder.mkdir(mode=0o700)
    found = doctor("--data-dir", folder)
    assert found["database"][0] == "WARNING"
    assert wrongs(found) <= {"address"}
    assert [found[name][0] for name in (ADMIN_KEY_NAME, SEALING_KEY_NAME)] == ["OK", "OK"]
    assert list(folder.iterdir()) == []


def test_a_directory_open_to_others(folder: Path, doctor: Doctor) -> None:
    folder.chmod(0o755)
    state, told = doctor("--data-dir", folder)["data directory"]
    assert (state, f"chmod 700 {folder}" in told) == ("WARNING", True)


def test_what_a_killed_command_left(folder: Path, doctor: Doctor) -> None:
    (folder / ".rollbook-1.part").touch()
    state, told = doctor("--data-dir", folder)["data directory"]
    assert (state, ".rollbook-1.part" in told) == ("WARNING", True)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give files away")
def test_a_file_of_another_owner(folder: Path, doctor: Doctor) -> None:
    os.chown(folder / TOKEN_EPOCH_NAME, 65534, 65534)
    state, told = doctor("--data-dir", folder)["data directory"]
    assert (state, "token.epoch" in told, "chown -R" in told) == ("WRONG", True, True)


class TestKeys:
    """The key files: there, private, well-formed, and of the database."""

    def test_open_to_others(self, folder: Path, doctor: Doctor) -> None:
        for name in (ADMIN_KEY_NAME, SEALING_KEY_NAME):
            (folder / name).chmod(0o640)
        found = doctor("--data-dir", folder)
        for name in (ADMIN_KEY_NAME, SEALING_KEY_NAME):
            assert found[name][0] == "WRONG"
            assert f"chmod 600 {folder / name}" in found[name][1]

    def test_missing(self, folder: Path, doctor: Doctor) -> None:
        for name in (ADMIN_KEY_NAME, SEALING_KEY_NAME):
            (folder / name).unlink()
        found = doctor("--data-dir", folder)
        assert found[ADMIN_KEY_NAME][0] == "WARNING"
        assert found[SEALING_KEY_NAME][0] == "WRONG"
        assert "Put it back from its backup" in found[SEALING_KEY_NAME][1]
        assert not (folder / SEALING_KEY_NAME).exists()

    def test_damaged(self, folder: Path, doctor: Doctor) -> None:
        secret = "short"
        (folder / ADMIN_KEY_NAME).write_text(secret)
        (folder / SEALING_KEY_NAME).write_text("{}")
        found = doctor("--data-dir", folder)
        assert wrongs(found) >= {ADMIN_KEY_NAME, SEALING_KEY_NAME}
        assert f" {secret} " not in json.dumps(found).replace("shorter", "")

    def test_of_another_database(self, folder: Path, doctor: Doctor) -> None:
        (folder / SEALING_KEY_NAME).unlink()
        sealing_file.load_or_create(folder / SEALING_KEY_NAME)
        (folder / ADMIN_KEY_NAME).write_text("rbk_" + "x" * 43)
        found = doctor("--data-dir", folder)
        assert found[SEALING_KEY_NAME][0] == "WRONG"
        assert "its audit log is sealed with another key" in found[SEALING_KEY_NAME][1]
        assert found[ADMIN_KEY_NAME][0] == "WARNING"
        assert "the database knows another key" in found[ADMIN_KEY_NAME][1]

    def test_from_the_environment(
        self, folder: Path, doctor: Doctor, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        path = folder / SEALING_KEY_NAME
        monkeypatch.setenv("ROLLBOOK_SEALING_KEY", path.read_text())
        path.unlink()
        state, told = doctor("--data-dir", folder)[SEALING_KEY_NAME]
        assert (state, "ROLLBOOK_SEALING_KEY" in told) == ("OK", True)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can be somebody else")
@pytest.mark.parametrize(("mode", "database"), [(0o755, "WRONG"), (0o700, "SKIPPED")])
def test_somebody_who_may_not_look(folder: Path, mode: int, database: str) -> None:
    # Where everybody may look; and in the default folder, which no option looks at.
    with tempfile.TemporaryDirectory() as public:
        Path(public).chmod(0o755)
        copy = shutil.copytree(folder, Path(public) / "rollbook")
        copy.chmod(mode)
        found = as_nobody(Path(public))
    assert found["data directory"]["state"] == "WRONG"
    assert f"mode {mode:04o}: you can not write to it" in found["data directory"]["found"]
    assert found["integrity" if mode == 0o755 else "database"]["state"] == database
    assert "rollbook restore" not in str(found)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can be somebody else")
@pytest.mark.parametrize("name", [DATABASE_NAME, f"{DATABASE_NAME}.lock"])
def test_files_that_their_owner_may_not_write(folder: Path, name: str) -> None:
    with tempfile.TemporaryDirectory() as public:
        Path(public).chmod(0o755)
        copy = shutil.copytree(folder, Path(public) / "rollbook")
        for each in (copy, *copy.iterdir()):
            os.chown(each, 65534, 65534)
        (copy / name).chmod(0o400)
        found = as_nobody(Path(public))
    assert found["data directory"]["state"] == "OK"
    assert found["database"]["state"] == "WRONG"
    assert f"chmod 600 {copy / name}" in found["database"]["advice"]


def as_nobody(data_home: Path) -> dict[str, dict[str, str]]:
    """Ask as somebody whom nothing belongs to."""
    environment = {**os.environ, "ROLLBOOK_DATA_DIR": "", "XDG_DATA_HOME": str(data_home)}
    arguments = ("doctor", "--output", "json")
    done = subprocess.run(
        [sys.executable, "-c", _AS_NOBODY, *arguments],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (ExitCode.UNSOUND, "")
    return {each["check"]: each for each in json.loads(done.stdout)["findings"]}
