"""Lists in JSON: written while they come, and never taken for whole if they are not."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from rollbook import AdminClient, DeviceRow, Role, UnavailableError
from rollbook.cli.exit_codes import ExitCode
from uploads.wire import imei

if TYPE_CHECKING:
    from collections.abc import Iterator

    from cli.ended import Cli

LISTS = {
    "key list": "list_api_keys",
    "device list": "list_devices",
    "profile list": "list_profiles",
    "user list": "list_users",
    "uploads Depot": "list_uploads",
}


@pytest.fixture
def two(admin: AdminClient, depot: str) -> None:
    """See to it that every list has at least two elements."""
    for number in (1, 2):
        admin.upload_rows(depot, [DeviceRow(imei=imei(number), attributes={"a": "two\nlines"})])
        admin.create_user(f"user {number}")
    admin.create_api_key("Key", role=Role.VIEWER)  # beside that of the server itself
    admin.create_profile("Other")


@pytest.mark.usefixtures("two")
@pytest.mark.parametrize("command", LISTS)
def test_a_list_is_one_document(cli: Cli, command: str) -> None:
    ended = cli(*command.split(), "--output", "json")
    assert len(ended.document) == 2
    assert ended.out == json.dumps(ended.document, indent=2, ensure_ascii=False) + "\n"


@pytest.mark.usefixtures("depot")
@pytest.mark.parametrize("command", ["device list", "user list", "uploads Depot"])
def test_an_empty_list_is_one_as_well(cli: Cli, command: str) -> None:
    assert cli(*command.split(), "--output", "json").out == "[]\n"


@pytest.mark.usefixtures("two")
@pytest.mark.parametrize("command", LISTS)
@pytest.mark.parametrize("many", [0, 1])
def test_a_list_that_breaks_off_shows_what_came_and_is_no_document(
    cli: Cli, monkeypatch: pytest.MonkeyPatch, command: str, many: int
) -> None:
    whole = getattr(AdminClient, LISTS[command])

    def broken(*arguments: object, **options: object) -> Iterator[object]:
        found = whole(*arguments, **options)
        yield from (next(found) for _ in range(many))
        raise UnavailableError("the server stops", code="UNAVAILABLE")

    monkeypatch.setattr(AdminClient, LISTS[command], broken)
    ended = cli(*command.split(), "--output", "json")
    assert (ended.code, ended.error["code"]) == (ExitCode.UNREACHABLE, "UNAVAILABLE")
    assert ended.error["message"].startswith("The list broke off and is incomplete: ") == bool(many)
    assert ended.out.count('"create_time"') == many
    with pytest.raises(json.JSONDecodeError):
        json.loads(ended.out)


@pytest.mark.usefixtures("two")
def test_a_table_of_devices_that_breaks_off_says_so(
    cli: Cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = AdminClient.list_devices

    def broken(client: AdminClient, *_: object, **__: object) -> Iterator[object]:
        yield next(whole(client))
        raise UnavailableError("the server stops")

    monkeypatch.setattr(AdminClient, "list_devices", broken)
    monkeypatch.setattr("rollbook.cli.devices._AT_ONCE", 1)
    ended = cli("device", "list")
    assert imei(1)[:14] in ended.out
    assert "Error: The list broke off and is incomplete: the server stops" in ended.err
