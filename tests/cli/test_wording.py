"""Fields of the contract in words of the command line."""

from __future__ import annotations

import pytest

from rollbook import InvalidArgumentError
from rollbook.cli.session import Session
from rollbook.cli.wording import bad_devices, in_our_words


def told(fields: dict[str, str], session: Session) -> str:
    message = "; ".join(f"{path}: {text}" for path, text in fields.items())
    return in_our_words(InvalidArgumentError(message, fields=fields), session)


def test_a_field_is_the_parameter_that_the_command_has() -> None:
    fields = {"display_name": "is long", "name": "is long"}
    creating = Session(parameters=frozenset({"NAME", "--display-name"}))
    assert told(fields, creating) == "--display-name: is long; NAME: is long"
    editing = Session(parameters=frozenset({"--name", "--display-name"}))
    assert told(fields, editing) == "--display-name: is long; --name: is long"


@pytest.mark.parametrize(("path", "devices", "expected"), [
    ("devices[0].imei", ("",), "--imei: bad"),
    ("devices[0]", ("",), "bad"),
    ("devices[1].imei", ("[0]", "[1]"), "[1].imei: bad"),
    ("updates[1].device.serial_number", ("dev-1", "dev-2"), "dev-2 --serial: bad"),
    ("updates[0]", ("dev-1", "dev-2"), "dev-1: bad"),
    ("configuration.system_extras.locale", (), "system_extras.locale: bad"),
    ("configuration.vendor_keys.a\\1", (), "vendor_keys.a\\1: bad"),
    ("newer_than_this_command", (), "newer_than_this_command: bad"),
])  # fmt: skip
def test_a_path_leads_to_an_option_and_a_device(
    path: str, devices: tuple[str, ...], expected: str
) -> None:
    assert told({path: "bad"}, Session(devices=devices)) == expected


def test_very_many_bad_devices_are_counted() -> None:
    error = InvalidArgumentError("", metadata={"indexes": "0,2-40"})
    session = Session(devices=tuple(f"[{at}]" for at in range(50)))
    said = bad_devices(error, session)
    assert said.startswith("What has to be mended (the first of the file is [0]): [0], [2], [3],")
    assert said.endswith("[20], 20 further ones")
    assert bad_devices(InvalidArgumentError("", metadata={"indexes": "7"}), session) == ""
