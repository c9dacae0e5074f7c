"""`serve --print-config`: a file that gives the same server, without passwords."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rollbook import DeviceRow
from rollbook_server.settings.printing import without_password
from running import ServerProcess
from uploads.wire import imei

if TYPE_CHECKING:
    from pathlib import Path

    from settings.conftest import Serve


def test_saved_to_a_file_it_gives_the_same_again(serving: Serve, tmp_path: Path) -> None:
    options = ("--data-dir", str(tmp_path / 'a "b" \\ü'), "--no-upgrade", "--max-rows", "7")
    first = serving.settings(*options, "--idle-seconds", "1.25", "--public-address", "a.test:1")
    shown = serving.shown(*options, "--idle-seconds", "1.25", "--public-address", "a.test:1")
    assert serving.written(shown).settings() == first
    assert first["data_dir"] == str(tmp_path / 'a "b" \\ü')


def test_a_server_starts_from_it(serving: Serve, tmp_path: Path) -> None:
    shown = serving.shown("--data-dir", str(tmp_path / "data"), "--max-rows", "2")
    serving.written(shown)
    server = ServerProcess(tmp_path / "data", "--config", str(serving.path)).start()
    try:
        with server.admin() as admin:
            profile = admin.create_profile("Depot").profile_id
            with pytest.raises(Exception, match="more than 2 rows"):
                admin.upload_rows(profile, [DeviceRow(imei(n)) for n in range(3)])
    finally:
        server.terminate()


def test_nothing_is_made_or_started(serving: Serve, tmp_path: Path) -> None:
    serving.shown("--data-dir", str(tmp_path / "data"))
    assert not (tmp_path / "data").exists()


def test_a_relative_database_is_the_same_from_elsewhere(
    serving: Serve, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    found = serving.settings("--database", "sqlite:///my%20roll.db")["database"]
    assert found == f"sqlite:///{tmp_path}/my%20roll.db"


def test_what_cannot_be_meant_is_refused_instead(serving: Serve) -> None:
    assert serving.run("--print-config", "--tls-cert", "a").exit_code == 2


SECRET = "hunter2"
URLS = {
    f"postgresql://u:{SECRET}@db/roll": "postgresql://u@db/roll",
    f"postgresql://u:{SECRET}@db1:1,db2:2/roll?a=b": "postgresql://u@db1:1,db2:2/roll?a=b",
    f"postgresql://u@[::1]:5432/roll?password={SECRET}": "postgresql://u@[::1]:5432/roll",
    f"postgresql://db/roll?a=%20&PassWord={SECRET}": "postgresql://db/roll?a=+",
    f"postgresql://db/roll?sslpassword={SECRET}&sslmode=require": (
        "postgresql://db/roll?sslmode=require"
    ),
    f"postgresql://u:p@{SECRET}@db/roll": "postgresql://u@db/roll",
    f"postgresql://u@{SECRET}@db/roll": None,
    f"postgresql://u:p/{SECRET}@db/roll": None,
    f"postgresql://u:p#{SECRET}@db/roll": None,
}


@pytest.mark.parametrize("url", URLS)
def test_a_password_is_left_out_and_that_is_told(serving: Serve, url: str) -> None:
    serving.with_variable("ROLLBOOK_DATABASE", url)
    ended = serving.run("--print-config")
    assert SECRET not in ended.output
    if ended.exit_code == 0:
        assert "# database" in ended.output
        assert "ROLLBOOK_DATABASE" in ended.output
        assert serving.settings().get("database") == URLS[url]


@given(st.text(st.characters(categories=["L", "N", "P", "S"]), min_size=5).map("hunter".__add__))
def test_no_password_survives_whatever_is_in_it(password: str) -> None:
    shown = without_password(f"postgresql://u:{password}@db/roll")
    assert shown is None or password not in shown


def test_the_sealing_keys_of_the_environment_are_not_shown(serving: Serve) -> None:
    serving.with_variable("ROLLBOOK_SEALING_KEY", "0123456789abcdef" * 4)
    shown = serving.run("--print-config").output
    assert "0123456789abcdef" not in shown
    assert "ROLLBOOK_SEALING_KEY is set as well" in shown


def test_a_path_that_toml_cannot_hold_is_told(serving: Serve) -> None:
    odd = os.fsdecode(b"/tmp/\xff")
    assert "data_dir is not printed" in serving.shown("--data-dir", odd).replace(":", "")
