"""A file of settings, in TOML: what it may hold, and what is told of what it may not."""

from __future__ import annotations

import tomllib
from difflib import get_close_matches
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rollbook_server.settings.toml_values import as_toml

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from rollbook_server.settings.declared import Setting

# What a kind is called, in TOML's words, and what TOML may give for it.
_KINDS: dict[type, tuple[str, tuple[type, ...]]] = {
    str: ("a text in quotes", (str,)),
    Path: ("a path in quotes", (str,)),
    bool: ("true or false", (bool,)),
    int: ("a whole number without quotes", (int,)),
    float: ("a number without quotes", (int, float)),
}
_ALIKE = 0.5  # of two names, as difflib has it: `port` is not taken for `upgrade`


class SettingsFileError(Exception):
    """A file of settings cannot be used; the text says where and what to write instead.

    It repeats no value, for that may be a password.
    """


def read(path: Path, settings: Sequence[Setting]) -> dict[str, Any]:
    """Give what the file sets, by name; raises SettingsFileError.

    Paths in it are seen from its folder, wherever the server is started.
    """
    known = {each.name: each for each in settings}
    folder = path.absolute().parent
    return {
        key: _value(path, folder, _known(path, key, value, known), value)
        for key, value in _parsed(path).items()
    }


def _parsed(path: Path) -> Mapping[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8-sig"))
    except OSError as error:
        raise SettingsFileError(f"--config {path}: {error.strerror or error}.") from error
    except UnicodeDecodeError as error:
        raise SettingsFileError(f"{path} is not UTF-8, as TOML has to be.") from error
    except tomllib.TOMLDecodeError as error:
        raise SettingsFileError(
            f"{path} is not TOML: {error}. Write a setting a line, such as "
            'listen = "127.0.0.1:7443".'
        ) from error
    except (ValueError, RecursionError) as error:  # a number, or lists in lists, without end
        raise SettingsFileError(
            f"{path} holds a number that is too long, or too many brackets in each other."
        ) from error


def _known(path: Path, key: str, value: Any, known: Mapping[str, Setting]) -> Setting:
    if key in known:
        return known[key]
    if isinstance(value, dict):
        raise SettingsFileError(f"{path}: settings stand in no table; take [{key}] out.")
    plain = key.lower().replace("-", "_").removeprefix("rollbook_")
    near = get_close_matches(plain, known, n=1, cutoff=_ALIKE)
    meant = f"Did you mean {_example(known[near[0]])}?" if near else ""
    raise SettingsFileError(
        f"{path}: there is no setting {key!r}. "
        f"{meant or '`rollbook serve --print-config` shows all there are.'}"
    )


def _value(path: Path, folder: Path, setting: Setting, value: Any) -> Any:
    wanted, kinds = _KINDS[setting.kind]
    is_right = isinstance(value, kinds) and isinstance(value, bool) is (setting.kind is bool)
    wanted = " or ".join(map(as_toml, setting.told.choices)) or wanted
    if not is_right or (setting.told.choices and value not in setting.told.choices):
        raise _unfit(path, setting, wanted)
    if setting.kind in (int, float) and not setting.is_within(value):
        raise _unfit(path, setting, setting.bounds)
    if setting.kind is not Path:
        return value
    if not value or "\0" in value:
        raise _unfit(path, setting, wanted)
    return folder / value


def _unfit(path: Path, setting: Setting, wanted: str) -> SettingsFileError:
    return SettingsFileError(
        f"{path}: {setting.name} must be {wanted}, such as: {_example(setting)}"
    )


def _example(setting: Setting) -> str:
    """Give a line as it might stand in the file."""
    default = setting.default
    if default is None or default == "":
        default = "/path/to/it" if setting.kind is Path else setting.told.metavar
    return f"{setting.name} = {as_toml(default)}"
