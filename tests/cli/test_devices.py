"""`rollbook device`."""

from __future__ import annotations

import io
import json
from typing import TYPE_CHECKING

import pytest

from cli.terminal import Terminal
from rollbook import DeviceRow, DeviceUpdate
from rollbook.cli.exit_codes import ExitCode

if TYPE_CHECKING:
    from pathlib import Path

    from cli.ended import Cli
    from rollbook import AdminClient

IMEI, OTHER_IMEI = "356938035643809", "490154203237518"


@pytest.fixture
def two(admin: AdminClient, depot: str) -> list[str]:
    """Give the ids of two devices."""
    rows = [DeviceRow(IMEI, attributes={"site": "North"}), DeviceRow("", "", "S1", "Acme")]
    return [device.device_id for device in admin.create_devices(depot, rows)]


@pytest.mark.usefixtures("depot")
def test_a_device_is_added_from_its_label(cli: Cli, admin: AdminClient) -> None:
    identifiers = ("--imei", IMEI, "--imei2", OTHER_IMEI, "--serial", "S1")
    extras = ("--manufacturer", "Acme", "--attribute", "site=North", "--attribute", "a=b=c")
    ended = cli("device", "add", "Depot", *identifiers, *extras)
    (made,) = admin.list_devices()
    assert (made.imei2, made.serial_number, made.manufacturer) == (OTHER_IMEI[:14], "S1", "Acme")
    assert made.attributes == {"site": "North", "a": "b=c"}
    assert made.device_id in ended.out
    assert "North" in ended.out


@pytest.mark.usefixtures("depot")
def test_many_devices_are_added_from_a_file_or_stdin(
    cli: Cli, admin: AdminClient, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "devices.json"
    file.write_text(json.dumps([{"imei": IMEI, "attributes": {"a": "b"}}]))
    made = cli("device", "add", "Depot", "--file", file, "--output", "json").document
    assert [(one["imei"], one["attributes"]) for one in made] == [(IMEI[:14], {"a": "b"})]
    stdin = io.TextIOWrapper(io.BytesIO(b'[{"serial_number":"S1","manufacturer":"A"}]'))
    monkeypatch.setattr("sys.stdin", stdin)
    assert cli("device", "add", "Depot", "--file", "-").code == 0
    assert len(list(admin.list_devices())) == 2


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        ("{}", "is not a JSON array"),
        ("[", "is not JSON"),
        ("\ud800", "is not JSON in UTF-8"),
        ("[1]", "[0] is not a JSON object"),
        ('[{"imie":""}]', "[0] has a field 'imie'"),
        ('[{"imei":5}]', "[0].imei is no text"),
        ('[{"imei":"\\ud800"}]', "[0].imei is no text"),
        ('[{"attributes":{"a":1}}]', "[0].attributes is no object of texts"),
        ('[{"source_line":1e99}]', "[0].source_line is no line number"),
        ("[" * 100_000, "is nested too deeply"),
    ],
)
def test_a_file_that_holds_no_devices_is_a_mistake_of_usage(
    cli: Cli, tmp_path: Path, content: str, complaint: str
) -> None:
    file = tmp_path / "devices.json"
    file.write_bytes(content.encode(errors="surrogatepass"))
    ended = cli("device", "add", "Depot", "--file", file)
    assert ended.code == ExitCode.USAGE
    assert complaint in ended.err


def test_all_bad_devices_of_a_file_are_named(cli: Cli, two: list[str], tmp_path: Path) -> None:
    file = tmp_path / "devices.json"
    rows = [{"imei": "x"}, {"imei": OTHER_IMEI}, {"imei": IMEI}, {}]
    file.write_text(json.dumps(rows))
    ended = cli("device", "add", "Depot", "--file", file)
    assert ended.code == ExitCode.REFUSED
    assert f"[2].imei: device {two[0]}" in ended.err
    assert "devices[" not in ended.err
    named = "What has to be mended (the first of the file is [0]): [0], [2], [3]"
    assert ended.err.splitlines()[-1] == named
    told = cli("device", "add", "Depot", "--file", file, "--output", "json").error
    assert {"devices[0].imei", "devices[2].imei"} < {*told["fields"]}
    assert told["metadata"]["indexes"] == "0,2-3"


def test_bad_devices_of_an_edit_are_named_by_their_ids(cli: Cli, two: list[str]) -> None:
    ended = cli("device", "edit", *two, "--attribute", "a=" + "x" * 5000)
    assert ended.code == ExitCode.REFUSED
    assert f"{two[0]} --attribute: a: " in ended.err
    assert f"What has to be mended: {two[0]}, {two[1]}" in ended.err


@pytest.mark.parametrize("options", [(), ("--file", "f.json", "--imei", IMEI)])
def test_a_device_is_described_in_one_way(
    cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, options: tuple[str, ...]
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "f.json").write_text("[]")
    assert cli("device", "add", "Depot", *options).code == ExitCode.USAGE
    assert cli("device", "add", "Depot", "--attribute", "x").code == ExitCode.USAGE


def test_a_refused_field_is_named_by_its_option(cli: Cli, two: list[str]) -> None:
    assert "Error: --imei: 2 digits;" in cli("device", "add", "Depot", "--imei", "12").err
    ended = cli("device", "edit", two[1], "--imei", IMEI)
    assert (ended.code, "Error: --imei: device" in ended.err) == (ExitCode.REFUSED, True)
    assert "Error: --prefix: " in cli("device", "list", "--prefix", "x" * 200).err
    ended = cli("device", "add", "Depot", "--attribute", "a=b")
    assert ended.err.startswith("Error: the row identifies no device")


def test_devices_are_listed_with_their_source(cli: Cli, admin: AdminClient, depot: str) -> None:
    upload = admin.upload_rows(depot, [DeviceRow(IMEI, source_line=12)])
    admin.create_devices(depot, [DeviceRow("", "", "S1", "Acme", {"site": "North"})])
    header, _, first, second = cli("device", "list").out.splitlines()
    for column in ("Device ID", "IMEI", "IMEI2", "Serial Number", "Manufacturer", "State"):
        assert column in header
    assert all(part in first for part in (IMEI[:14], "Pending", upload.upload_id, "12"))
    assert all(part in second for part in ("S1", "Acme", "site=North"))
    found = cli("device", "list", "Depot", "--upload", upload.upload_id, "--output", "json")
    assert [one["source_line"] for one in found.document] == [12]


def test_devices_are_found_by_prefix_and_state(cli: Cli, two: list[str]) -> None:
    for options, expected in (
        (("--prefix", "35-693"), two[:1]),
        (("--prefix", "S", "--state", "pending"), two[1:]),
        (("--state", "registered"), []),
    ):
        found = cli("device", "list", *options, "--output", "json").document
        assert [one["device_id"] for one in found] == expected
    assert "No device fits." in cli("device", "list", "--prefix", "zzz").err


def test_a_long_list_comes_in_pieces(
    cli: Cli, two: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("rollbook.cli.devices._AT_ONCE", 1)
    ended = cli("device", "list")
    assert ended.out.count("Device ID") == 2
    assert all(one in ended.out for one in two)
    assert "2 devices." in ended.err


def test_a_device_is_shown(cli: Cli, two: list[str]) -> None:
    shown = cli("device", "show", two[0]).out
    assert all(part in shown for part in (IMEI[:14], "North", "none: added by hand"))
    assert cli("device", "show", two[0], "--output", "json").document["device_id"] == two[0]
    ended = cli("device", "show", "dev-99")
    assert (ended.code, "rollbook device list" in ended.err) == (ExitCode.REFUSED, True)


def test_an_edit_changes_what_is_named_and_nothing_else(
    cli: Cli, admin: AdminClient, two: list[str]
) -> None:
    options = ("--imei", OTHER_IMEI, "--serial", "S9", "--attribute", "floor=2")
    assert cli("device", "edit", two[0], *options).code == ExitCode.DONE
    one = admin.get_device(two[0])
    assert (one.imei, one.serial_number) == (OTHER_IMEI[:14], "S9")
    assert one.attributes == {"site": "North", "floor": "2"}
    cli("device", "edit", two[0], "--serial", "", "--remove-attribute", "site")
    one = admin.get_device(two[0])
    assert (one.imei, one.serial_number, one.attributes) == (OTHER_IMEI[:14], "", {"floor": "2"})


def test_attributes_of_several_devices_are_edited_at_once(
    cli: Cli, admin: AdminClient, two: list[str]
) -> None:
    cli("device", "edit", *two, two[0], "--attribute", "x=y", "--remove-attribute", "site")
    assert [device.attributes for device in admin.list_devices()] == [{"x": "y"}] * 2


@pytest.mark.parametrize(
    "options",
    [(), ("--imei", IMEI), ("--remove-attribute", "nope"), ("--attribute", "nope")],
)
def test_an_edit_that_cannot_be_meant_is_a_mistake_of_usage(
    cli: Cli, two: list[str], options: tuple[str, ...]
) -> None:
    assert cli("device", "edit", *two, *options).code == ExitCode.USAGE


def test_devices_are_deleted_only_after_a_yes(cli: Cli, admin: AdminClient, two: list[str]) -> None:
    ended = cli("device", "delete", *two)
    assert ended.code == ExitCode.USAGE
    assert "--yes" in ended.err
    assert len(list(admin.list_devices())) == 2
    assert cli("device", "delete", *two, "dev-99", "--yes").code == ExitCode.REFUSED
    told = cli("device", "delete", *two, two[0], "--yes", "--output", "json").document
    assert told == {"deleted_count": 2}
    assert list(admin.list_devices()) == []


def test_what_is_asked_names_the_devices(cli: Cli, admin: AdminClient, two: list[str]) -> None:
    assert cli("device", "list").code == ExitCode.DONE
    question = f"{two[0]} ({IMEI[:14]}), {two[1]} (Acme S1) will be deleted. Go on?"
    with Terminal("device", "delete", *two) as terminal:
        terminal.answer(question, "n")
        assert terminal.end() == ExitCode.REFUSED
    assert len(list(admin.list_devices())) == 2
    with Terminal("device", "delete", *two) as terminal:
        terminal.answer(question, "y")
        assert terminal.end() == ExitCode.DONE
    assert list(admin.list_devices()) == []


def test_a_match_is_explained_in_plain_words(cli: Cli, admin: AdminClient, two: list[str]) -> None:
    ended = cli("device", "explain", "--serial", "S1", "--manufacturer", "Acmee")
    assert ended.code == ExitCode.DONE
    assert "NOT_REGISTERED" in ended.out
    assert "its manufacturer is 'Acme'. Agrees in: serial number" in ended.out
    token = admin.reveal_token(admin.get_device(two[0]).profile_id)
    presented = ("--token", token, "--imei", IMEI)
    assert "an IMEI that is on the roll" in cli("device", "explain", *presented).out
    told = cli("device", "explain", *presented, "--output", "json").document
    assert (told["rule"], told["device"]["device_id"]) == ("IMEI", two[0])
    assert "No device of the roll comes near." in cli("device", "explain", "--serial", "q").err
    assert cli("device", "explain").code == ExitCode.USAGE
    assert admin.get_device(two[0]).state == "PENDING"


def test_an_edit_of_what_changed_meanwhile_says_so(
    cli: Cli, admin: AdminClient, two: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def change_first(found: object, _removed: object) -> None:
        assert found
        admin.update_devices([DeviceUpdate(two[0], attributes={"other": "hand"})])

    monkeypatch.setattr("rollbook.cli.devices._check_removed", change_first)
    ended = cli("device", "edit", two[0], "--attribute", "a=b")
    assert ended.code == ExitCode.REFUSED
    assert "give the command again" in ended.err


@pytest.mark.usefixtures("depot")
@pytest.mark.parametrize(
    "words",
    [
        ("show", "\udcff"),
        ("add", "Depot", "--serial", "\udcff", "--manufacturer", "A"),
        ("add", "Depot", "--imei", IMEI, "--attribute", "a=\udcff"),
        ("list", "--prefix", "a\udcff"),
        ("explain", "--imei", "a\udcff"),
        ("delete", "\udcff", "--yes"),
    ],
)
def test_what_is_not_utf_8_is_a_mistake_of_usage(cli: Cli, words: tuple[str, ...]) -> None:
    ended = cli("device", *words)
    assert ended.code == ExitCode.USAGE
    assert "not UTF-8" in ended.err
