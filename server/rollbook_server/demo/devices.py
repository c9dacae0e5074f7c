"""The devices that switch on in the demo: rows of the two files that were uploaded."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING, Self

from rollbook import DeviceRow
from rollbook_server.demo.scenarios import SCENARIOS, Scenario, Value

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator
    from pathlib import Path

_HEADER = ("IMEI", "Serial Number", "Manufacturer")


@dataclass(frozen=True, slots=True)
class Devices:
    """Devices of the roll, each to be taken once."""

    tablets: Iterator[DeviceRow]
    tablets_with_two_imeis: Iterator[DeviceRow]
    scanners: Iterator[DeviceRow]

    @classmethod
    def of(cls, tablets: Path, bad_rows: Collection[int]) -> Self:
        """Take tablets from that file, which was uploaded, leaving its bad rows out."""
        return cls(
            (row for row in _whole_rows(tablets, bad_rows) if not row.imei2),
            (row for row in _whole_rows(tablets, bad_rows) if row.imei2),
            iter(_scanners()),
        )

    def take(self, scenario: Scenario) -> DeviceRow:
        """Give a device that has what the scenario presents."""
        if scenario.token is Value.NONE and not scenario.strays:
            return next(self.scanners)
        is_second = scenario.imei is Value.SECOND
        return next(self.tablets_with_two_imeis if is_second else self.tablets)


def write_scanners(path: Path) -> None:
    """Write the file for the tokenless profile."""
    rows = ((row.imei, row.serial_number, row.manufacturer) for row in _scanners())
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([_HEADER, *rows])


def _whole_rows(path: Path, bad_rows: Collection[int]) -> Iterator[DeviceRow]:
    """Give the good rows with an IMEI as a device tells it, a serial number and a maker."""
    with path.open(newline="", encoding="utf-8") as file:
        for number, cells in enumerate(islice(csv.reader(file), 1, None), start=1):
            imei, imei2, serial_number, manufacturer = cells[:4]
            if imei.isdecimal() and serial_number and manufacturer and number not in bad_rows:
                yield DeviceRow(imei, imei2, serial_number, manufacturer)


def _scanners() -> list[DeviceRow]:
    """Give one device a scenario, from a TAC the sample does not use."""
    return [
        DeviceRow(imei=f"3500010000{number:04}", serial_number=f"WS-{number}", manufacturer="Zebra")
        for number in range(len(SCENARIOS))
    ]
