"""The options of `rollbook serve`, made from what is declared; the file comes in behind them.

Whoever is nearest decides: the command line, then the environment, then the file.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from click.core import ParameterSource

from rollbook.cli.errors import CommandError
from rollbook.cli.exit_codes import ExitCode
from rollbook_server.settings import files

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from rollbook_server.settings.declared import Setting

CONFIG_VARIABLE = "ROLLBOOK_CONFIG"
_SOURCES = {
    ParameterSource.COMMANDLINE: "{0.option}",
    ParameterSource.ENVIRONMENT: "{0.variable}",
    ParameterSource.DEFAULT_MAP: "the file",
}
_PATH = click.Path(dir_okay=False, path_type=Path)
_TYPES: dict[type, click.ParamType[Any]] = {
    bool: click.BOOL,
    int: click.INT,
    float: click.FLOAT,
    str: click.STRING,
    Path: _PATH,
}


def setting_options(settings: Sequence[Setting]) -> Callable[..., Any]:
    """Give a command an option for each setting, and --config."""

    def decorate(function: Callable[..., Any]) -> Any:
        for setting in reversed(settings):
            function = option(setting)(function)
        return config_option(settings)(function)

    return decorate


def option(setting: Setting, text: str = "") -> Callable[..., Any]:
    """Give the option of one setting; `text` is for a command that says it in other words."""
    told, is_flag = setting.told, setting.kind is bool
    shown = f"{text or told.text}  [default: {told.default}]" if told.default else text or told.text
    return click.option(
        f"{setting.option}/--no-{setting.option[2:]}" if is_flag else setting.option,
        type=_type(setting),
        default=setting.default,
        show_default=setting.default not in {None, ""},
        envvar=setting.variable,
        show_envvar=True,
        metavar=told.metavar or None,
        help=shown,
    )


def config_option(settings: Sequence[Setting]) -> Callable[..., Any]:
    """Give a command --config, which stands in for options that are not given."""

    def take(context: click.Context, _option: click.Parameter, path: Path | None) -> None:
        if path is not None and not context.resilient_parsing:
            in_its_place: Any = _Defaults(path, settings)
            context.default_map = in_its_place

    return click.option(
        "--config",
        type=_PATH,
        envvar=CONFIG_VARIABLE,
        show_envvar=True,
        is_eager=True,  # the others ask what it says
        expose_value=False,
        callback=take,
        metavar="FILE",
        help="A TOML file with settings of a server, such as `rollbook serve --print-config` "
        "shows; the environment and options go before it. None is read that is not named.",
    )


def source(setting: Setting, context: click.Context) -> str:
    """Give where a setting was found; empty if nowhere."""
    found = context.get_parameter_source(setting.name)
    return _SOURCES[found].format(setting) if found in _SOURCES else ""


def _type(setting: Setting) -> click.ParamType[Any]:
    told = setting.told
    if told.choices:
        return click.Choice(told.choices)
    if told.folder:
        return click.Path(file_okay=False, path_type=Path)
    if setting.bounds:
        kind = click.IntRange if setting.kind is int else click.FloatRange
        return kind(told.at_least, told.at_most)
    return _TYPES[setting.kind]


class _Defaults(Mapping[str, Any]):
    """What the file says, read when it is first asked for.

    By then all that stands on the command line is known, such as the form in which to tell
    what is wrong with the file.
    """

    def __init__(self, path: Path, settings: Sequence[Setting]) -> None:
        self._path, self._settings = path, settings

    @cached_property
    def _said(self) -> Mapping[str, Any]:
        try:
            return files.read(self._path, self._settings)
        except files.SettingsFileError as error:
            raise CommandError(
                str(error),
                reason="CONFIGURATION_INVALID",
                code="INVALID_ARGUMENT",
                exit_code=ExitCode.USAGE,
            ) from error

    def __getitem__(self, name: str) -> Any:
        return self._said[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._said)

    def __len__(self) -> int:
        return len(self._said)
