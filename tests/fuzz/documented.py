"""The reasons that the contract names, read from its text."""

from __future__ import annotations

import re
from pathlib import Path

PROTO = Path(__file__).parents[2] / "proto/rollbook/v1"
# Any call can fail so, beside what its comment tells.
_GENERAL = {"REQUEST_MALFORMED"}


def upload_reasons() -> set[str]:
    """Give what UploadDevices may fail with."""
    text = (PROTO / "device_service.proto").read_text()
    comment = text.partition("  rpc UploadDevices(")[0].rpartition("Reasons:")[2]
    every = re.findall(r"ERROR_REASON_([A-Z_]+) = ", (PROTO / "error_reason.proto").read_text())
    named = set(re.findall(r"[A-Z]+(?:_[A-Z]+)+", comment)) & set(every)
    return _GENERAL | named | {reason for reason in every if reason.startswith("CSV_")}
