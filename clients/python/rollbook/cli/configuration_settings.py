"""Reads `--set GROUP.KEY=VALUE` and `--unset GROUP.KEY`, and applies them to a configuration."""

from __future__ import annotations

import json
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, NoReturn

import click

from rollbook import Configuration
from rollbook.cli import android_extras
from rollbook.cli.errors import not_there

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

_GROUPS = tuple(field.name for field in fields(Configuration))
_EXTRAS = "system_extras"


@dataclass(frozen=True)
class Settings:
    """What to set and to take away; keys are group and name."""

    values: dict[tuple[str, str], object]
    unset: frozenset[tuple[str, str]]

    @property
    def mask(self) -> list[str]:
        """Name what changes for the server, so that nothing else is touched."""
        keys = sorted({*self.values, *self.unset})
        return sorted({f"{group}.{name}" if group == _EXTRAS else group for group, name in keys})

    def applied_to(self, present: Configuration | None) -> Configuration:
        """Give the configuration as it is to be; a usage error says what it cannot hold."""
        groups = {name: dict(getattr(present, name, {})) for name in _GROUPS}
        for group, name in self.unset:
            if name not in groups[group]:
                raise not_there("--unset", f"{group}.{name}", _paths(groups))
            del groups[group][name]
        for (group, name), value in self.values.items():
            groups[group][name] = value
        try:
            return Configuration(**groups)
        except ValueError as error:
            raise click.BadParameter(str(error), param_hint="'--set'") from error


def _paths(groups: Mapping[str, Mapping[str, object]]) -> list[str]:
    return [f"{group}.{name}" for group, names in groups.items() for name in names]


def read_settings(assignments: Iterable[str], unset: Iterable[str]) -> Settings:
    """Read both options; a usage error says what is wrong with one."""
    values: dict[tuple[str, str], object] = {}
    for assignment in assignments:
        path, equals, text = assignment.partition("=")
        if not equals:
            _refuse("--set", f"{assignment!r} has no '='; write GROUP.KEY=VALUE")
        key = _key("--set", path)
        if key in values:
            _refuse("--set", f"{path} is set twice")
        values[key] = _value(key, text)
    taken_away = frozenset(_key("--unset", path) for path in unset)
    for group, name in taken_away & set(values):
        _refuse("--unset", f"{group}.{name} is set as well")
    return Settings(values, taken_away)


def _key(option: str, path: str) -> tuple[str, str]:
    group, _, name = path.partition(".")
    if group not in _GROUPS or not name:
        known = f"{_EXTRAS}." if path in android_extras.MEANINGS else ""
        hint = f"; did you mean {known}{path}?" if known else ""
        _refuse(option, f"{path!r} is no GROUP.KEY; the groups are {', '.join(_GROUPS)}{hint}")
    if group == _EXTRAS and name not in android_extras.MEANINGS:
        _refuse(option, f"{_unknown(name)} (--keys lists all)")
    return group, name


def _unknown(name: str) -> str:
    """Say what the client library says of a name, for it finds the nearest right one."""
    try:
        Configuration(system_extras={name: ""})
    except ValueError as error:
        return str(error)
    return f"{_EXTRAS}: there is no {name!r}"


def _value(key: tuple[str, str], text: str) -> object:
    group, name = key
    if group != _EXTRAS:
        return _json_or_text(text)
    try:
        return android_extras.typed(name, text)
    except ValueError as error:
        _refuse("--set", f"{group}.{name} {error}")


def _json_or_text(text: str) -> object:
    try:
        return json.loads(text, parse_constant=_no_json)
    except (ValueError, RecursionError):
        return text


def _no_json(word: str) -> NoReturn:
    """Refuse NaN and Infinity, which Python reads and JSON does not know."""
    raise ValueError(word)


def _refuse(option: str, why: str) -> NoReturn:
    raise click.BadParameter(why, param_hint=f"'{option}'")
