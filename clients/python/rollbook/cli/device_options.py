"""How a device is described on the command line, or many in a file."""

from __future__ import annotations

import json
from dataclasses import fields
from typing import TYPE_CHECKING, Any, TypeVar

import click

from rollbook import DeviceRow

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    F = TypeVar("F", bound="Callable[..., Any]")

_FIELDS = tuple(field.name for field in fields(DeviceRow))


def _attributes(
    _ctx: click.Context, _option: click.Parameter, values: Sequence[str]
) -> dict[str, str]:
    attributes = {}
    for value in values:
        name, equals, text = value.partition("=")
        if not (name and equals):
            raise click.BadParameter(f"{value!r} is not NAME=VALUE")
        attributes[name] = text
    return attributes


def identifier_options(function: F) -> F:
    """Give a command one option for each identifier; None where it is not typed."""
    for name, text in (
        ("--manufacturer", "The manufacturer, in any case."),
        ("--serial", "The serial number; needs a manufacturer unless there is an IMEI."),
        ("--imei2", "The second IMEI of a dual-SIM device."),
        ("--imei", "The IMEI (14 to 16 digits) or MEID."),
    ):
        function = click.option(name, help=text)(function)
    return function


attribute_option: Callable[[Any], Any] = click.option(
    "--attribute",
    "attributes",
    multiple=True,
    callback=_attributes,
    metavar="NAME=VALUE",
    help="A custom attribute. May be repeated.",
)


def read_rows(path: str) -> list[DeviceRow]:
    """Give the devices in a JSON file, `-` for stdin; a usage error says what is wrong."""
    with click.open_file(path, "rb") as file:
        data = file.read()
    try:
        document = json.loads(data.decode("utf-8-sig"))
        if not isinstance(document, list):
            raise ValueError("is not a JSON array of devices")  # noqa: TRY004, TRY301 - see below
        return [_row(index, each) for index, each in enumerate(document)]
    except RecursionError as error:
        raise _bad(path, "is nested too deeply for a list of devices") from error
    except (UnicodeDecodeError, json.JSONDecodeError) as error:
        raise _bad(path, f"is not JSON in UTF-8: {error}") from error
    except ValueError as error:  # the file is wrong, not the program
        raise _bad(path, str(error)) from error


def _bad(path: str, text: str) -> click.BadParameter:
    return click.BadParameter(f"{path} {text}", param_hint="'--file'")


def _row(index: int, given: object) -> DeviceRow:
    if not isinstance(given, dict):
        text = f"[{index}] is not a JSON object"
        raise ValueError(text)  # noqa: TRY004 - the file is wrong, not the program
    for name, value in given.items():
        if name not in _FIELDS:
            raise ValueError(f"[{index}] has a field {name!r}; the fields are {', '.join(_FIELDS)}")
        if not _fits(name, value):
            raise ValueError(f"[{index}].{name} is no {_KINDS.get(name, 'text')}")
    return DeviceRow(**given)


_KINDS = {"attributes": "object of texts", "source_line": "line number"}
_LAST_LINE = 2**31 - 1  # what the contract holds


def _fits(name: str, value: object) -> bool:
    match name:
        case "attributes":
            return isinstance(value, dict) and all(map(_is_text, [*value, *value.values()]))
        case "source_line":
            return type(value) is int and 0 <= value <= _LAST_LINE
    return _is_text(value)


def _is_text(value: object) -> bool:
    """Tell whether it is a text that a message can hold: no half of a surrogate pair."""
    return isinstance(value, str) and not any("\ud800" <= sign <= "\udfff" for sign in value)
