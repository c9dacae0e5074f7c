"""The example row of the template, which shows how a row looks and is no device.

Whoever fills a template in and leaves the example in it shall not find a device on
the roll that is none; so its identifiers are refused, whatever stands beside them.
"""

from __future__ import annotations

from rollbook_server.domain.luhn import CORE

# A valid check digit on a type code that no maker has: what phones show that lost theirs.
_IMEI = "004999010640000"
SERIAL_NUMBER = "EXAMPLE-0001"
CELLS = (_IMEI, "", SERIAL_NUMBER, "Example")
"""The cells under the identifier columns."""
IMEI_CORE = _IMEI[:CORE]

MESSAGE = (
    "the template's example stands in the cell; delete the row, or write what identifies the device"
)
