"""Reads the configuration of a profile from a file, and tells what is in one."""

from __future__ import annotations

import json
from dataclasses import fields
from typing import TYPE_CHECKING

import click

from rollbook import Configuration

if TYPE_CHECKING:
    from pathlib import Path

_GROUPS = tuple(field.name for field in fields(Configuration))
# A QR code holds less than 3 KB; whatever is so much larger is another file.
_LARGEST_FILE_BYTES = 1_000_000


def read_configuration(path: Path) -> Configuration:
    """Give the configuration in the file; a usage error says what is wrong with it."""
    try:
        return _configuration(_parse(path))
    except (ValueError, RecursionError) as error:
        raise click.BadParameter(f"{path}: {error}", param_hint="'--configuration'") from error


def _parse(path: Path) -> object:
    with path.open("rb") as file:
        text = file.read(_LARGEST_FILE_BYTES + 1)
    if len(text) > _LARGEST_FILE_BYTES:
        raise ValueError("too large for a configuration")
    return json.loads(text)


def _configuration(document: object) -> Configuration:
    if not isinstance(document, dict):
        raise ValueError(f"not a JSON object with {', '.join(_GROUPS)}")  # noqa: TRY004
    for name, group in document.items():
        if name not in _GROUPS:
            raise ValueError(f"there is no group {name!r}; the groups are {', '.join(_GROUPS)}")
        if not isinstance(group, dict):
            raise ValueError(f"the group {name} is not a JSON object")  # noqa: TRY004
    return Configuration(**document)


def key_names(configuration: Configuration | None) -> str:
    """Give the keys alone, for a value may be the password of a network."""
    if configuration is None:
        return ""
    groups = (getattr(configuration, name) for name in _GROUPS)
    return ", ".join(key for group in groups for key in group)
