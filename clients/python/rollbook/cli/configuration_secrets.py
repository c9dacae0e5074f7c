"""Passwords and the like in a configuration: named where it is shown, kept where it is given back.

A document that was shown without them names them under `hidden`. Given to --file, it
leaves what it names there as it is.
"""

from __future__ import annotations

from dataclasses import fields, replace
from typing import TYPE_CHECKING

import click

from rollbook import Configuration
from rollbook.cli import android_extras

if TYPE_CHECKING:
    from rollbook.cli.configurations import ConfigurationFile

HIDDEN = "hidden"
_GROUP = "system_extras."


def groups(configuration: Configuration) -> dict[str, dict[str, object]]:
    """Give the three groups by their names."""
    return {field.name: dict(getattr(configuration, field.name)) for field in fields(Configuration)}


def secrets(configuration: Configuration) -> list[str]:
    """Give the paths of what is not shown unless asked for."""
    return [
        _GROUP + name for name in sorted(android_extras.SECRET & {*configuration.system_extras})
    ]


def without_secrets(configuration: Configuration) -> dict[str, object]:
    """Give a configuration for a program, without passwords and the like, which it names."""
    shown, names = groups(configuration), secrets(configuration)
    for path in names:
        del shown["system_extras"][path.removeprefix(_GROUP)]
    return {**shown, **({HIDDEN: names} if names else {})}


def with_kept_secrets(given: ConfigurationFile, present: Configuration) -> Configuration:
    """Give what the file holds with the present values of what it names as hidden.

    A value in the file goes before. A usage error names what is not there to be kept.
    """
    kept = {path.removeprefix(_GROUP) for path in given.hidden}
    missing = kept - {*present.system_extras, *given.configuration.system_extras}
    if missing:
        raise click.BadParameter(
            f"{given.path} names {_GROUP}{min(missing)} as {HIDDEN}, which this profile does not "
            f"have; give it a value under system_extras, or take it out of {HIDDEN}",
            param_hint="'--file'",
        )
    values = {name: value for name, value in present.system_extras.items() if name in kept}
    return replace(
        given.configuration, system_extras={**values, **given.configuration.system_extras}
    )


def lost_secrets(before: Configuration, after: Configuration) -> list[str]:
    """Give the paths of what would be gone, and could be shown by nobody any more."""
    return [path for path in secrets(before) if path not in secrets(after)]
