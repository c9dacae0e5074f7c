"""Vendors' files as they are: recognised, mapped, and put on the roll by a real server."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import pytest

from uploads.wire import FINISHED, Wire, core, file, imei, opening

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rollbook import AdminClient
    from running import Server

A, B, C, D = (imei(number) for number in range(1, 5))
CA, CB, CC, CD = (core(number) for number in range(1, 5))
_HASH = "T0FwYg" * 800  # 4,800 characters, as hardware hashes have


@pytest.fixture
def wire(server: Server) -> Iterator[Wire]:
    with Wire(server) as wire:
        yield wire


@pytest.fixture
def profile(admin: AdminClient) -> str:
    return admin.create_profile("Depot").profile_id


class File(NamedTuple):
    """A vendor's file, and what becomes of it.

    `mapping` are the fields of its columns in their order; `devices` are imei, imei2,
    serial number, manufacturer and attributes; `errors` line, column and reason.
    """

    data: str
    dialect: str
    mapping: str
    devices: list[tuple[Any, ...]]
    errors: list[tuple[int, str, str]] = []  # noqa: RUF012 - a named tuple's default, never changed
    encoding: str = "utf-8"
    column_mapping: dict[str, str] = {}  # noqa: RUF012 - as above


FILES = {
    "zero-touch reseller, with a mark and CRLF": File(
        "modemtype,modemid,serial,model,manufacturer,profiletype,owner\r\n"
        f"IMEI,{A},R5CT1,SM-A546B,Samsung,ZERO_TOUCH,1234567890\r\n"
        ",,R5CT2,SM-A546B,Samsung,ZERO_TOUCH,1234567890\r\n"
        f"IMEI,{B[:14]}x,,,Google,ZERO_TOUCH,1234567890\r\n",
        "zero-touch-reseller",
        "ignored imei serial_number attribute manufacturer ignored attribute",
        [
            (CA, "", "R5CT1", "Samsung", {"model": "SM-A546B", "owner": "1234567890"}),
            ("", "", "R5CT2", "Samsung", {"model": "SM-A546B", "owner": "1234567890"}),
        ],
        [(4, "modemid", "IMEI_CHARACTERS")],
        encoding="utf-8-sig",
    ),
    "zero-touch reseller, modems alone": File(
        f"modemtype,modemid,profiletype,owner\nIMEI,{A},ZERO_TOUCH,77\n"
        "MEID,A0000012345678,ZERO_TOUCH,77\n",
        "zero-touch-reseller",
        "ignored imei ignored attribute",
        [(CA, "", "", "", {"owner": "77"}), ("A0000012345678", "", "", "", {"owner": "77"})],
    ),
    "zero-touch reseller, serial numbers alone": File(
        "serial,model,manufacturer,profiletype,owner\n"
        "G1,Pixel 8,Google,ZERO_TOUCH,77\nG2,Pixel 8,,ZERO_TOUCH,77\n",
        "zero-touch-reseller",
        "serial_number attribute manufacturer ignored attribute",
        [("", "", "G1", "Google", {"model": "Pixel 8", "owner": "77"})],
        [(3, "manufacturer", "MANUFACTURER_MISSING")],
    ),
    "zero-touch with both modems": File(
        "modemtype,modemid,modemtype2,modemid2,manufacturer,profiletype,owner\n"
        f"IMEI,{A},IMEI,{B},Google,ZERO_TOUCH,77\n",
        "zero-touch-reseller",
        "ignored imei ignored imei2 manufacturer ignored attribute",
        [(CA, CB, "", "Google", {"owner": "77"})],
    ),
    "zero-touch customer": File(
        "modemtype,modemid,manufacturer,profiletype,profileid\n"
        f"IMEI,{A},Google,ZERO_TOUCH,55\nIMEI,{B},Google,ZERO_TOUCH,55\n",
        "zero-touch-customer",
        "ignored imei manufacturer ignored ignored",
        [(CA, "", "", "Google", {}), (CB, "", "", "Google", {})],
    ),
    "Intune corporate identifiers": File(
        f"{A},tablet of the lobby\n{B},\n{C[:14]}{(int(C[14]) + 1) % 10},x\n",
        "intune",
        "imei attribute",
        [(CA, "", "", "", {"details": "tablet of the lobby"}), (CB, "", "", "", {})],
        [(3, "imei", "IMEI_CHECK_DIGIT")],
    ),
    "Intune Windows identifiers under a header": File(
        "Manufacturer,Model,Serial\nMicrosoft,Surface 5,01234567890123\n",
        "generic",
        "manufacturer attribute serial_number",
        [("", "", "01234567890123", "Microsoft", {"Model": "Surface 5"})],
    ),
    "Autopilot with a manufacturer": File(
        "Device Serial Number,Windows Product ID,Hardware Hash,Group Tag,Assigned User,"
        "Manufacturer\n"
        f"PF1,,{_HASH},Kiosk,ana@example.com,Lenovo\n",
        "autopilot",
        "serial_number ignored ignored attribute attribute manufacturer",
        [
            (
                *("", "", "PF1", "Lenovo"),
                {"Group Tag": "Kiosk", "Assigned User": "ana@example.com"},
            )
        ],
    ),
    "Esper": File(
        f"IMEI1, IMEI2, serial number\n{A},{B},E1\n{C},,E2\n,,E3\n",
        "esper",
        "imei imei2 serial_number",
        [(CA, CB, "E1", "", {}), (CC, "", "E2", "", {})],
        [(4, "manufacturer", "MANUFACTURER_MISSING")],
    ),
    "Hexnode with a manufacturer": File(
        "Display Name,Email,Mobile,Ownership,Device Name,Serial Number,Platform,Manufacturer\n"
        "Ana,ana@example.com,+491701,corporate,Lobby,H1,Android,HTC\n",
        "hexnode",
        "attribute attribute attribute attribute attribute serial_number attribute manufacturer",
        [
            (
                *("", "", "H1", "HTC"),
                {
                    "Display Name": "Ana",
                    "Email": "ana@example.com",
                    "Mobile": "+491701",
                    "Ownership": "corporate",
                    "Device Name": "Lobby",
                    "Platform": "Android",
                },
            )
        ],
    ),
    "Octave, with tags and metadata under their full names": File(
        "IMEI,FSN,NAME,DISPLAY_NAME,BLUEPRINT_ID,TAG.site,METADATA.rack\n"
        f'{A},N1,pump,Pump 1,b1,Lyon,"{{""row"": 3}}"\n',
        "octave",
        "imei serial_number attribute attribute attribute attribute attribute",
        [
            (
                *(CA, "", "N1", ""),
                {
                    "NAME": "pump",
                    "DISPLAY_NAME": "Pump 1",
                    "BLUEPRINT_ID": "b1",
                    "TAG.site": "Lyon",
                    "METADATA.rack": '{"row": 3}',
                },
            )
        ],
    ),
    "Soliton, with semicolons": File(
        "terminalID;phoneNumber;platform;phoneModel;userID;userType\n"
        f"{A};+46701;Android;Xperia, black;ana;1\nSERIAL9;;Android;;;1\n",
        "soliton",
        "imei attribute attribute attribute attribute attribute",
        [
            (
                *(CA, "", "", ""),
                {
                    "phoneNumber": "+46701",
                    "platform": "Android",
                    "userType": "1",
                    "phoneModel": "Xperia, black",
                    "userID": "ana",
                },
            )
        ],
        [(3, "terminalID", "IMEI_CHARACTERS")],
    ),
    "Knox without a header": File(
        f"{A},ana,SECRET\n{B},,\nR58N123,eva,SECRET\n",
        "knox",
        "imei attribute ignored",
        [(CA, "", "", "", {"user name": "ana"}), (CB, "", "", "", {})],
        [(3, "imei", "IMEI_CHARACTERS")],
    ),
    "Knox under a header": File(
        "IMEI or Serial Number,User Name,Password,Tags\n" + f"{A},ana,SECRET,depot\n",
        "knox",
        "imei attribute ignored attribute",
        [(CA, "", "", "", {"User Name": "ana", "Tags": "depot"})],
    ),
    "IMEI and MEID beside each other": File(
        f"imei,meid,imei2,meid2,make\n{A},A0000012345678,{B},,HTC\n",
        "generic",
        "imei attribute imei2 attribute manufacturer",
        [(CA, CB, "", "HTC", {"meid": "A0000012345678"})],
    ),
    "anything else, mapped by hand": File(
        f"Gerät;Nummer;Werk;Bemerkung\n1;{A};Acme;x\n",
        "generic",
        "ignored imei manufacturer attribute",
        [(CA, "", "", "Acme", {"Bemerkung": "x"})],
        column_mapping={"Gerät": "ignored", "nummer": "imei", "Werk": "manufacturer"},
    ),
}


@pytest.mark.parametrize("size", [7, 1 << 18], ids=["in pieces", "whole"])
@pytest.mark.parametrize("vendor", FILES.values(), ids=FILES.keys())
def test_a_vendors_file_is_uploaded_as_it_is(
    wire: Wire, profile: str, vendor: File, size: int
) -> None:
    opened = opening(profile, column_mapping=vendor.column_mapping)
    upload = wire.send(opened, file(vendor.data.encode(vendor.encoding), size=size))
    assert (upload.state, upload.dialect) == (FINISHED, vendor.dialect)
    assert " ".join(column.field for column in upload.columns) == vendor.mapping
    assert [device[1:6] for device in wire.devices()] == vendor.devices
    assert [(e.line, e.column, e.reason) for e in upload.errors] == vendor.errors
    assert "SECRET" not in str(wire.devices())


REFUSED = {
    "Autopilot": (
        f"Device Serial Number,Windows Product ID,Hardware Hash\nPF1,,{_HASH}\n",
        "this is a Windows Autopilot file; add a column Manufacturer",
    ),
    "Hexnode": (
        "Display Name,Email,Ownership,Device Name,Serial Number,Platform\na,b,c,d,e,f\n",
        "this is a Hexnode file; add a column Manufacturer",
    ),
    "Intune Windows identifiers without a header": (
        "Microsoft,Surface 5,01234567890123\n",
        "put a header line before it, such as manufacturer,model,serial_number",
    ),
    "AWS IoT, an object a line": (
        '{"ThingName": "a", "SerialNumber": "1"}\n{"ThingName": "b", "SerialNumber": "2"}\n',
        "the file is JSON, such as AWS IoT takes line by line, and no CSV",
    ),
    "JSON without spaces": ('{"imei":"1","serial":"2"}\n', "the file is JSON"),
    "a JSON array over many lines": ('\n[\n  {\n    "imei": "1"\n  }\n]\n', "the file is JSON"),
    "one long line of JSON": ("[" + ",".join(['{"imei":"1"}'] * 50_000) + "]", "the file is JSON"),
}


@pytest.mark.parametrize("size", [7, 1 << 18], ids=["in pieces", "whole"])
@pytest.mark.parametrize(("data", "words"), REFUSED.values(), ids=REFUSED.keys())
def test_a_file_that_identifies_no_device_says_what_it_is(
    wire: Wire, profile: str, data: str, words: str, size: int
) -> None:
    if size == 7 and len(data) > 10_000:
        size = 4096
    refused = wire.refused(opening(profile), file(data, size=size))
    assert (refused.code, refused.reason) == ("INVALID_ARGUMENT", "CSV_NO_IDENTIFIER_COLUMN")
    assert words in refused.message
    assert wire.devices() == []


@pytest.mark.parametrize("header", ["[imei],[site]", "{imei},x", "(imei)"])
def test_a_header_with_brackets_is_no_json(wire: Wire, profile: str, header: str) -> None:
    name = header.split(",", maxsplit=1)[0]
    opened = opening(profile, column_mapping={name: "imei"})
    assert wire.send(opened, file(f"{header}\n{A}\n")).created_count == 1
