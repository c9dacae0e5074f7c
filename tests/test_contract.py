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


def test_buf_lint_passes_without_exceptions() -> None:
    buf = shutil.which("buf", path=str(Path(sys.executable).parent))
    assert buf, "buf comes with the dev extra"
    subprocess.run([buf, "lint"], cwd=ROOT, check=True)
    settings = (ROOT / "buf.yaml").read_text()
    assert "except" not in settings
    assert "ignore:" not in settings
