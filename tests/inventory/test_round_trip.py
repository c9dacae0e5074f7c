"""What is exported comes back equal, whatever it holds and however attributes are called."""

from __future__ import annotations

import csv
import io
import json
import unicodedata
from itertools import count
from typing import TYPE_CHECKING, Any, NamedTuple

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rollbook import AdminClient, DeviceRow, UploadState
from rollbook_server.config import Config
from rollbook_server.domain.columns import understand
from rollbook_server.domain.csv_reader import CsvReader
from rollbook_server.domain.csv_writer import lines, safe
from rollbook_server.domain.dialects import GENERIC, attribute_headers
from rollbook_server.domain.identifiers import IdentifierError
from rollbook_server.domain.imeis import parse_imei
from rollbook_server.domain.luhn import with_check_digits
from running import Server

if TYPE_CHECKING:
    from collections.abc import Iterator

IDENTIFIERS = ["IMEI", "IMEI2", "Serial Number", "Manufacturer"]
_NUMBERS = count(1)


def canonical(name: str) -> str:
    return unicodedata.normalize("NFC", name).strip()


def one_a_name(given: dict[str, str]) -> dict[str, str]:
    return {canonical(name): value for name, value in given.items()}


texts = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=12)
# fmt: off
hostile = st.sampled_from([
    "=1+1", "'=1", "''", "'", "+1", "-", "@x", "\t", "\rx", "a\r\nb", "a\nb", "a\rb", '"', '""',
    " x ", 'a","b', "a,b;c\td", "\ufeff", "\ufeffx", "3.5E+14", "0012", "\u2028", "\x1f=1", "sep=;",
])
names_like_columns = st.sampled_from([
    "Make", "IMEI", "imei 2", "Serial", "Rollbook x", "rollbook", "attribute.x", "Attribute.",
    "brand", "attribute.attribute.x", "attribute", "owner", "profiletype", "Profile ID", "_",
    "Device Name", "platform", "ownership", "FSN", "modemtype", "Windows Product ID", "site",
    "Hardware Hash", "Site", "a;imei;serial;make;vendor;brand;oem", "n" * 128, "e\u0301",
    "a\timei\tserial\tmake\tbrand\toem",
])
# fmt: on
names = st.one_of(names_like_columns, hostile, texts).filter(canonical)
attributes = st.dictionaries(names, texts | hostile, max_size=6).map(one_a_name)
starts = st.sampled_from(["", "=", "'=", "+", "-", "@", "R,", 'R"', "é", "''-"])


class Kind(NamedTuple):
    """Which identifiers a device has, and how they begin."""

    imei: str
    imei2: str
    serial: str
    maker: str
    both: str


kinds = st.builds(
    Kind,
    imei=st.sampled_from(["35", "99", "A0", "FF", "10", "00", ""]),
    imei2=st.sampled_from(["35", "99", "C1", ""]),
    serial=starts,
    maker=st.sampled_from(["Samsung", "=Maker", "-x", "ΌΣΟΣ", 'Quote"', "a,b", ""]),
    both=st.sampled_from(["imei", "serial", "all"]),
)


def row(kind: Kind, given: dict[str, str]) -> DeviceRow:
    """Give a row with keys that no other row has."""
    imei = f"{kind.imei}{next(_NUMBERS):012}" if kind.imei else ""
    imei2 = f"{kind.imei2}{next(_NUMBERS):012}" if kind.imei2 else ""
    imei, imei2 = with_check_digits([imei, imei2])
    serial = f"{kind.serial}{next(_NUMBERS)}"
    if kind.both == "serial" or not (imei or imei2):
        return DeviceRow(serial_number=serial, manufacturer=kind.maker or "HTC", attributes=given)
    if kind.both == "imei":
        return DeviceRow(imei=imei, imei2=imei2, attributes=given)
    return DeviceRow(imei, imei2, serial, kind.maker, given)


rolls = st.lists(st.builds(row, kinds, attributes), min_size=1, max_size=6)


class Place(NamedTuple):
    """A server with its client."""

    server: Server
    admin: AdminClient

    def roll(self, profile_id: str) -> list[tuple[Any, ...]]:
        """Read the content of a profile's devices from the database itself."""
        found = self.server.query(
            "SELECT imei, imei2, serial_number, manufacturer, attributes FROM devices"
            " WHERE profile = (SELECT id FROM profiles WHERE profile_id = ?) ORDER BY id",
            (profile_id,),
        )
        return [(*keys, json.loads(given)) for *keys, given in found]

    def export(self, profile_id: str) -> bytes:
        return b"".join(self.admin.export_devices(profile_id))

    def profile(self) -> str:
        return self.admin.create_profile(f"Depot {next(_NUMBERS)}").profile_id


@pytest.fixture(scope="module")
def places(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Place, Place]]:
    """Give two servers for all examples: each has profiles and keys of its own."""
    one, other = (
        Server(Config(data_dir=tmp_path_factory.mktemp("roll"), listen="127.0.0.1:0"))
        for _ in range(2)
    )
    with one.admin() as here, other.admin() as there:
        yield Place(one, here), Place(other, there)
    one.stop()
    other.stop()


def read(data: bytes) -> list[list[str]]:
    """Read a file as any program would."""
    return list(csv.reader(io.StringIO(data.decode("utf-8-sig"), newline="")))


def without_own(data: bytes) -> list[list[str]]:
    return [cells[:-8] for cells in read(data)]


@settings(max_examples=40)
@given(rolls)
def test_an_export_uploaded_elsewhere_gives_an_equal_roll(
    places: tuple[Place, Place], rows: list[DeviceRow]
) -> None:
    here, there = places
    source, target = here.profile(), there.profile()
    assert here.admin.upload_rows(source, rows).rejected_count == 0
    file = here.export(source)
    upload = there.admin.upload_devices(target, lambda: io.BytesIO(file))
    assert (upload.state, upload.rejected_count) == (UploadState.FINISHED, 0)
    assert upload.created_count == len(rows)
    assert there.roll(target) == here.roll(source)
    assert [of[4] for of in here.roll(source)] == [
        {name: value for name, value in row.attributes.items() if value} for row in rows
    ]
    assert without_own(there.export(target)) == without_own(file)


@settings(max_examples=40)
@given(rolls)
def test_an_export_uploaded_again_changes_nothing(
    places: tuple[Place, Place], rows: list[DeviceRow]
) -> None:
    here, _ = places
    profile = here.profile()
    here.admin.upload_rows(profile, rows)
    file = here.export(profile)
    upload = here.admin.upload_devices(profile, lambda: io.BytesIO(file))
    assert (upload.unchanged_count, upload.rejected_count) == (len(rows), 0)
    assert here.export(profile) == file


@settings(max_examples=30)
@given(st.builds(row, kinds, attributes))
def test_a_template_goes_up_as_it_comes_but_for_its_example(
    places: tuple[Place, Place], given_row: DeviceRow
) -> None:
    here, there = places
    source, target = here.profile(), there.profile()
    here.admin.upload_rows(source, [given_row])
    names = [name for name, value in given_row.attributes.items() if value]
    file = here.admin.get_upload_template(source)
    imei = with_check_digits([f"35{next(_NUMBERS):012}"])[0]
    filled = file.replace(b"004999010640000", imei.encode())
    filled = filled.replace(b"EXAMPLE-0001", f"E{next(_NUMBERS)}".encode())
    assert there.admin.upload_devices(target, lambda: io.BytesIO(filled)).created_count == 1
    [(*_, maker, given)] = there.roll(target)
    assert (maker, given) == ("Example", dict.fromkeys(names, "example"))


canonical_names = names.map(canonical)


@given(st.lists(canonical_names, unique=True, max_size=20))
def test_headers_come_back_as_the_names_they_were_made_of(names: list[str]) -> None:
    text = lines([[cell] for cell in safe([*IDENTIFIERS, *attribute_headers(names, IDENTIFIERS)])])
    reader = CsvReader()
    reader.feed(text.encode("utf-8-sig"))
    reader.finish()
    assert reader.columns is not None, reader.error
    assert reader.columns.attribute_names == names
    assert reader.columns.dialect == GENERIC.name


@pytest.mark.parametrize("name", ["Site", "owner", "profiletype", "Asset Tag", "e", "attributes"])
def test_a_name_that_comes_back_as_itself_is_written_as_itself(name: str) -> None:
    assert attribute_headers([name], IDENTIFIERS) == [name]


@pytest.mark.parametrize(
    "name", ["Make", "brand", "IMEI", "Rollbook x", "Serial", "attribute.x", "Attribute.y", "_"]
)
def test_a_name_that_means_something_else_is_written_out(name: str) -> None:
    assert attribute_headers([name], IDENTIFIERS) == [f"attribute.{name}"]


def test_a_mapping_may_name_an_explicit_column() -> None:
    header = ["attribute.Make", "Attribute. Code ", "Serial"]
    columns = understand(header, {"Attribute. Code ": "imei"})
    assert columns.attributes == ((0, "Make"),)
    assert columns.mapping()[1:] == [("Attribute. Code", "imei"), ("Serial", "serial_number")]


cores = st.one_of(
    st.from_regex(r"[0-9]{14}", fullmatch=True),
    st.from_regex(r"(99|1[0-9])[0-9]{12}", fullmatch=True),
    st.from_regex(r"(99|[A-F][0-9A-F])[0-9A-F]{12}", fullmatch=True),
)


@given(st.lists(st.just("") | cores, max_size=20))
def test_every_core_is_written_so_that_it_comes_back(given_cores: list[str]) -> None:
    for core, written in zip(given_cores, with_check_digits(given_cores), strict=True):
        if core.strip("0"):
            assert parse_imei(written) == core
            assert len(written) == (15 if core.isdigit() else 14)


def test_a_core_of_zeros_is_never_stored() -> None:
    with pytest.raises(IdentifierError):
        parse_imei("0" * 14)


def test_the_longest_device_there_can_be_comes_back(places: tuple[Place, Place]) -> None:
    here, there = places
    source, target = here.profile(), there.profile()
    given = {f"{n:03}{'n' * 125}": '"' * 4_096 for n in range(99)} | {"Make": "\U0001f642" * 4_096}
    here.admin.upload_rows(source, [row(Kind("35", "", "", "", "imei"), given)])
    file = here.export(source)
    assert there.admin.upload_devices(target, lambda: io.BytesIO(file)).created_count == 1
    assert there.roll(target) == here.roll(source)
