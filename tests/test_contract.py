"""The contract, the domain and the transport name the same failures."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from rollbook.v1 import error_reason_pb2
from rollbook_server.domain.device_faults import runs
from rollbook_server.domain.errors import FieldsError, Reason, RollbookError, RowReason
from rollbook_server.transport.statuses import CODES, status_of

if TYPE_CHECKING:
    from collections.abc import Sequence

ROOT = Path(__file__).parents[1]
PROTO = ROOT / "proto" / "rollbook" / "v1"


def names(enum: object, prefix: str) -> list[str]:
    keys: list[str] = enum.keys()  # type: ignore[attr-defined]
    return [key.removeprefix(prefix) for key in keys[1:]]


def test_reasons_are_those_of_the_contract() -> None:
    assert names(error_reason_pb2.ErrorReason, "ERROR_REASON_") == list(Reason)
    assert names(error_reason_pb2.RowErrorReason, "ROW_ERROR_REASON_") == list(RowReason)


def test_every_reason_has_the_status_code_that_its_comment_promises() -> None:
    text = (PROTO / "error_reason.proto").read_text()
    documented = {
        name: code for code, name in re.findall(r"([A-Z_]+)\.\n  ERROR_REASON_([A-Z_]+) = ", text)
    }
    assert documented == {str(reason): code.name for reason, code in CODES.items()}


@pytest.mark.parametrize("path", sorted(PROTO.glob("*_service.proto")), ids=lambda path: path.stem)
def test_rpc_comments_name_only_reasons_that_exist(path: Path) -> None:
    for reasons in re.findall(r"Reasons:((?:.|\n)*?)\n  rpc ", path.read_text()):
        told = set(re.findall(r"\b[A-Z]+(?:_[A-Z]+)+\b", reasons)) - {"CSV_"}
        assert told <= set(Reason)


@pytest.mark.parametrize("path", sorted(PROTO.glob("*_service.proto")), ids=lambda path: path.stem)
def test_every_rpc_says_who_may_call_and_what_a_failure_leaves(path: Path) -> None:
    comments = re.findall(r"((?:  //.*\n)+)  rpc ", path.read_text())
    assert len(comments) == path.read_text().count("  rpc ")
    for comment in comments:
        assert all(word in comment for word in ("Callers:", "On failure:", "Reasons:"))


def test_a_status_with_long_texts_still_fits_the_headers_of_an_answer() -> None:
    error = RollbookError(Reason.FIELD_INVALID, "x" * 100_000, name="y" * 100_000)
    sent = sum(len(key) + len(value) for key, value in status_of(error).trailing_metadata)
    assert sent < 8 * 1024


@pytest.mark.parametrize("picked", [range(0, 1000, 2), [n for n in range(1000) if n % 3], [7]])
def test_a_status_names_every_bad_device_and_still_fits(picked: Sequence[int]) -> None:
    indexes = runs(picked)
    fields = {f"devices[{n}].imei": "\u20ac" * 100 for n in picked}
    error = FieldsError(
        fields, Reason.DEVICES_INVALID, "\u20ac" * 1000, count=len(picked), indexes=indexes
    )
    status = status_of(error)
    sent = sum(len(key) + len(value) + 32 for key, value in status.trailing_metadata)
    told = sum(3 if byte > 126 else 1 for byte in status.details.encode())
    assert sent + told + 100 < 8 * 1024
    assert indexes.encode() in status.trailing_metadata[0][1]


@pytest.fixture(scope="module")
def buf() -> str:
    found = shutil.which("buf", path=str(Path(sys.executable).parent))
    assert found, "buf comes with the dev extra"
    return found


def test_buf_lint_passes_without_exceptions(buf: str) -> None:
    subprocess.run([buf, "lint"], cwd=ROOT, check=True)
    settings = (ROOT / "buf.yaml").read_text()
    assert "except" not in settings
    assert "ignore:" not in settings


@pytest.mark.parametrize(
    ("file", "before", "after", "told"),
    [
        ("token.proto", "string obfuscated_value", "string hidden_value", "hidden_value"),
        ("token.proto", "int32 use_count", "string use_count", "changed type"),
        ("token.proto", "TOKEN_STATE_REVOKED = 3", "TOKEN_STATE_VOIDED = 3", "TOKEN_STATE_VOIDED"),
        ("token_service.proto", "rpc ExtendToken(", "rpc ProlongToken(", '"ExtendToken"'),
        ("token_service.proto", "returns (GetTokenResponse)", "returns (Token)", "response type"),
    ],
)
def test_a_change_that_breaks_clients_is_refused(
    buf: str, tmp_path: Path, file: str, before: str, after: str, told: str
) -> None:
    changed = _contract_with(tmp_path, file, before, after)
    ended = _compare(buf, changed)
    assert ended.returncode == 100, ended.stdout
    assert told in ended.stdout


def test_an_addition_breaks_nobody(buf: str, tmp_path: Path) -> None:
    field = (
        "// When it was printed.\n  google.protobuf.Timestamp print_time = 99;\n  string token_id"
    )
    extended = _contract_with(tmp_path, "token.proto", "string token_id", field)
    ended = _compare(buf, extended)
    assert (ended.returncode, ended.stdout) == (0, "")


def _contract_with(folder: Path, file: str, before: str, after: str) -> Path:
    """Give a copy of the contract in which something is different."""
    shutil.copy(ROOT / "buf.yaml", folder)
    shutil.copytree(ROOT / "proto", folder / "proto")
    path = folder / "proto" / "rollbook" / "v1" / file
    text = path.read_text()
    assert before in text
    path.write_text(text.replace(before, after))
    return folder


def _compare(buf: str, contract: Path) -> subprocess.CompletedProcess[str]:
    """Compare as `make check` does."""
    words = [buf, "breaking", "--against", str(ROOT / ".ci" / "released.binpb")]
    return subprocess.run(words, cwd=contract, capture_output=True, text=True, check=False)
