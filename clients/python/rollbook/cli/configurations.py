"""Reads the configuration of a profile from a file, and tells what is in one."""

from __future__ import annotations

import json
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING

import click

from rollbook import Configuration
from rollbook.cli import android_extras
from rollbook.cli.configuration_secrets import HIDDEN

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

_GROUPS = tuple(field.name for field in fields(Configuration))
# A QR code holds less than 3 KB; whatever is so much larger is another file.
_LARGEST_FILE_BYTES = 1_000_000


@dataclass(frozen=True)
class ConfigurationFile:
    """What a file holds; `hidden` are paths of keys that it names without their values."""

    path: Path
    configuration: Configuration
    hidden: frozenset[str]


def read_configuration(path: Path) -> Configuration:
    """Give the whole configuration in the file of --configuration, or raise a usage error."""
    read = read_configuration_file(path, "--configuration")
    if read.hidden:
        raise click.BadParameter(
            f"{path} names {min(read.hidden)} as {HIDDEN} and lacks its value; `rollbook profile "
            "configure PROFILE --reveal --output json` gives a document with all values",
            param_hint="'--configuration'",
        )
    return read.configuration


def read_configuration_file(path: Path, option: str) -> ConfigurationFile:
    """Give what the file holds; a usage error names the option and what is wrong."""
    try:
        document = _object(_parse(_read(path)))
        hidden = _hidden(document.pop(HIDDEN, []))
        return ConfigurationFile(path, _configuration(document), hidden)
    except ValueError as error:
        raise click.BadParameter(f"{path} {error}", param_hint=f"'{option}'") from error


def _read(path: Path) -> bytes:
    with path.open("rb") as file:
        data = file.read(_LARGEST_FILE_BYTES + 1)
    if len(data) > _LARGEST_FILE_BYTES:
        raise ValueError("is too large for a configuration")
    return data


def _parse(data: bytes) -> object:
    try:
        return json.loads(data.decode("utf-8-sig"))
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        column = error.start - data.rfind(b"\n", 0, error.start)
        raise _not_json(f"byte 0x{data[error.start]:02x}", line, column) from error
    except json.JSONDecodeError as error:
        raise _not_json(error.msg, error.lineno, error.colno) from error
    except RecursionError as error:
        raise ValueError("is nested too deeply for a configuration") from error


def _not_json(what: str, line: int, column: int) -> ValueError:
    return ValueError(f"is not JSON in UTF-8: {what}, line {line}, column {column}")


def _object(document: object) -> dict[str, object]:
    if not isinstance(document, dict):
        text = f"is not a JSON object with {', '.join(_GROUPS)}"
        raise ValueError(text)  # noqa: TRY004 - the file is wrong, not the program
    return document


def _hidden(paths: object) -> frozenset[str]:
    known = {f"system_extras.{name}" for name in android_extras.SECRET}
    if isinstance(paths, list) and all(isinstance(path, str) and path in known for path in paths):
        return frozenset(paths)
    raise ValueError(f"has a list {HIDDEN} that may hold {', '.join(sorted(known))}")


def _configuration(document: Mapping[str, object]) -> Configuration:
    given: dict[str, dict[str, object]] = {}
    for name, group in document.items():
        if name not in _GROUPS:
            raise ValueError(f"has a group {name!r}; the groups are {', '.join(_GROUPS)}")
        if not isinstance(group, dict):
            text = f"has a group {name} that is not a JSON object"
            raise ValueError(text)  # noqa: TRY004 - the file is wrong, not the program
        given[name] = group
    try:
        return Configuration(**given)
    except ValueError as error:
        raise ValueError(f"has a wrong key: {error}") from error


def key_names(configuration: Configuration | None) -> str:
    """Give the keys alone, for a value may be the password of a network."""
    if configuration is None:
        return ""
    groups = (getattr(configuration, name) for name in _GROUPS)
    return ", ".join(key for group in groups for key in group)
