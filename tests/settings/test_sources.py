"""Where a setting comes from: the command line, then the environment, then the file."""

from __future__ import annotations

import os
import tomllib
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from rollbook_server.config import SETTINGS, Config
from rollbook_server.settings.declared import made
from rollbook_server.settings.toml_values import as_toml

if TYPE_CHECKING:
    from rollbook_server.settings.declared import Setting
    from settings.conftest import Serve

# Three values for each setting, the first and the last of which are not its default.
VALUES: dict[type[Any], tuple[Any, Any, Any]] = {
    int: (41, 42, 43),
    float: (41.5, 42.5, 43.5),
    bool: (True, False, True),
    Path: (Path("/a"), Path("/b"), Path("/c")),
}
TEXTS: dict[str, tuple[Any, Any, Any]] = {
    "listen": ("127.0.0.1:1", "127.0.0.1:2", "127.0.0.1:3"),
    "database": ("postgresql://db/1", "postgresql://db/2", "postgresql://db/3"),
    "public_address": ("a:1", "b:2", "c:3"),
    "metrics": ("127.0.0.1:1", "127.0.0.1:2", "127.0.0.1:3"),
}
# What others need beside them.
BESIDE = {
    "tls_cert": ("--tls-key", "/k"),
    "tls_key": ("--tls-cert", "/c"),
    "tls_client_ca": ("--tls-cert", "/c", "--tls-key", "/k"),
    "workers": ("--database", "postgresql://db/roll"),
    "token_default_days": ("--token-max-days", "50"),
    "token_min_days": ("--token-default-days", "50"),
}


def values(setting: Setting) -> tuple[Any, Any, Any]:
    if setting.kind is bool:
        first: bool = not setting.default
        return first, not first, first
    if setting.told.choices:
        others = [each for each in setting.told.choices if each != setting.default]
        return others[0], setting.default, others[-1]
    return TEXTS.get(setting.name) or VALUES[setting.kind]


def typed(setting: Setting, value: Any) -> tuple[str, ...]:
    if setting.kind is bool:
        return (setting.option if value else f"--no-{setting.option[2:]}",)
    return (setting.option, str(value))


@pytest.mark.parametrize("setting", SETTINGS, ids=lambda setting: setting.name)
def test_every_setting_is_taken_from_each_and_the_nearest_decides(
    serving: Serve, setting: Setting
) -> None:
    in_file, in_environment, on_line = values(setting)
    beside = BESIDE.get(setting.name, ())
    expected = [str(v) if isinstance(v, Path) else v for v in values(setting)]

    serving.written(f"{setting.name} = {as_toml(in_file)}\n")
    assert serving.settings(*beside)[setting.name] == expected[0]
    assert serving.source(setting.name, *beside) == "the file"

    serving.with_variable(setting.variable, str(in_environment))
    assert serving.settings(*beside)[setting.name] == expected[1]
    assert serving.source(setting.name, *beside) == setting.variable

    options = (*beside, *typed(setting, on_line))
    assert serving.settings(*options)[setting.name] == expected[2]
    assert serving.source(setting.name, *options) == setting.option


def test_what_is_nowhere_set_is_as_the_dataclass_has_it(serving: Serve) -> None:
    found, default = serving.settings(), Config(data_dir=Path("/a"))
    given = {each.name: each.of(default) for each in SETTINGS}
    assert {name: given[name] for name in found if name != "data_dir"} == {
        name: value for name, value in found.items() if name != "data_dir"
    }
    assert serving.source("listen") == ""


def test_a_configuration_is_made_of_its_settings() -> None:
    chosen = {each.name: values(each)[0] for each in SETTINGS}
    config = made(Config, chosen, threads=7)
    assert {each.name: each.of(config) for each in SETTINGS} == chosen
    assert config.threads == 7


def test_an_empty_variable_is_as_if_it_were_not_there(serving: Serve) -> None:
    serving.written("max_rows = 5\n").with_variable("ROLLBOOK_MAX_ROWS", "")
    assert serving.settings()["max_rows"] == 5


def test_paths_in_a_file_are_seen_from_its_folder(
    serving: Serve, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    serving.written('data_dir = "roll"\nsealing_key_file = "../keys/sealing.key"\n')
    monkeypatch.chdir(tmp_path)
    found = serving.settings("--config", "etc/rollbook.toml")
    assert found["data_dir"] == str(tmp_path / "etc" / "roll")
    assert os.path.normpath(found["sealing_key_file"]) == str(tmp_path / "keys" / "sealing.key")


def test_a_file_that_nobody_names_is_not_read(
    serving: Serve, monkeypatch: pytest.MonkeyPatch
) -> None:
    serving.path.write_text("max_rows = 5\n")
    monkeypatch.chdir(serving.path.parent)
    assert serving.settings("--data-dir", ".")["max_rows"] == 200_000


def test_what_the_file_says_is_checked_as_what_an_option_says(serving: Serve) -> None:
    serving.written('listen = "0.0.0.0:7443"\n')
    assert "--tls-cert FILE" in serving.run().output
    assert serving.settings("--listen", "127.0.0.1:0")["listen"] == "127.0.0.1:0"


def test_the_help_names_option_and_variable_of_every_setting(serving: Serve) -> None:
    shown = serving.run("--help").output
    for setting in SETTINGS:
        assert setting.option in shown
        assert setting.variable in shown.replace("\n", " ")


def test_the_file_may_be_broken_where_help_is_asked_for(serving: Serve) -> None:
    assert serving.written("[").run("--help").exit_code == 0


def test_the_database_commands_take_the_same_file(serving: Serve, tmp_path: Path) -> None:
    from click.testing import CliRunner  # noqa: PLC0415 - here alone

    from rollbook_server.database.command import database  # noqa: PLC0415

    serving.written(f'max_rows = 5\ndatabase = "sqlite:///{tmp_path}/roll.db"\n')
    ended = CliRunner().invoke(database, ["upgrade"], env=serving.environment)
    assert ended.exit_code == 0, ended.output
    assert (tmp_path / "roll.db").exists()


def test_tomllib_reads_what_we_write() -> None:
    odd = 'a"b\\c\td\x7f\x00\n\u00fc\U0001f600'
    assert tomllib.loads(f"a = {as_toml(odd)}")["a"] == odd
