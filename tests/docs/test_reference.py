"""The API reference is what the contract's comments make of it today, and leaves nothing out."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from google.protobuf import descriptor_pb2, descriptor_pool

from methods import methods
from reference import reading
from reference.pages import _table
from rollbook.v1 import error_reason_pb2
from rollbook_server.health import SERVICES

ROOT = Path(__file__).parents[2]
API = ROOT / "docs" / "api"


def texts(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def test_the_pages_are_those_that_the_protos_make(tmp_path: Path) -> None:
    command = [sys.executable, str(ROOT / "docs/reference/run.py"), str(tmp_path)]
    subprocess.run(command, check=True)

    assert texts(tmp_path) == texts(API), "run `make reference`"


def test_every_rpc_is_told_with_its_kind_and_its_right() -> None:
    index = (API / "README.md").read_text()
    for method in methods(*SERVICES):
        assert f"| [{method.name}](" in index
    assert "#uploaddevices) | client stream | CREATE (UPDATE) |" in index
    assert "#exportdevices) | server stream | VIEW |" in index
    assert "#getupload) | unary | VIEW or CREATE |" in index
    assert "#getownapikey) | unary | any key |" in index
    assert "#enrolldevice) | unary | no key |" in index


def test_every_message_field_and_value_is_told() -> None:
    told = "".join(path.read_text() for path in API.glob("*.md"))
    pool = descriptor_pool.Default()
    for name in sorted({pool.FindServiceByName(service).file.name for service in SERVICES}):
        file = pool.FindFileByName(name)
        for message in file.message_types_by_name.values():
            assert f"\n## {message.name}\n" in told
            for field in message.fields:
                assert f"\n| `{field.name}` | {field.number} | " in told
        for enum in file.enum_types_by_name.values():
            for value in enum.values:
                assert f"\n| `{value.name}` | {value.number} | " in told


def test_every_reason_is_told_with_its_status() -> None:
    page = (API / "error_reason.md").read_text()
    for name in error_reason_pb2.ErrorReason.keys()[1:]:
        reason = name.removeprefix("ERROR_REASON_")
        assert f'\n| <a id="{reason.lower()}"></a>`{reason}` | ' in page
    assert "`ETAG_MISMATCH` | ABORTED | The resource changed since its etag was read. | [" in page


def test_nothing_of_the_contract_lacks_a_comment() -> None:
    contract = reading.read()  # which would refuse it
    assert {method.name for method in contract.methods} == {m.name for m in methods(*SERVICES)}


def a_file(message_comment: str, field_comment: str) -> descriptor_pb2.FileDescriptorProto:
    """Give a file with one message of one field."""
    file = descriptor_pb2.FileDescriptorProto(name="rollbook/v1/depot.proto")
    file.message_type.add(name="Depot").field.add(name="town", number=1, type="TYPE_STRING")
    file.source_code_info.location.add(path=[4, 0], leading_comments=message_comment)
    file.source_code_info.location.add(path=[4, 0, 2, 0], leading_comments=field_comment)
    return file


@pytest.mark.parametrize(
    ("comments", "missing"),
    [((" A place.\n", ""), "Depot.town"), (("", " Where it is.\n"), "Depot")],
)
def test_what_lacks_a_comment_is_named(comments: tuple[str, str], missing: str) -> None:
    with pytest.raises(reading.CommentMissingError, match=f": {missing} has no comment"):
        reading._Reader(a_file(*comments)).file()


def test_a_bar_in_a_comment_ends_no_cell() -> None:
    assert _table(("a", "b"), [("1", "North | South.")]).endswith("| 1 | North \\| South. |\n")
