"""Files of devices in every condition, as benchmarks upload them."""

from __future__ import annotations

import csv
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

HEADER = ("IMEI", "Serial Number", "Manufacturer", "Site", "Asset Tag")


def good_rows(count: int) -> Iterator[tuple[str, ...]]:
    """Give rows of devices of their own, with two attributes each."""
    for number in range(count):
        imei = f"35{number:012}"
        yield imei, f"SN{number:09}", "Samsung", f"Site {number % 97}", f"A{number}"


def changed_rows(count: int) -> Iterator[tuple[str, ...]]:
    """Give rows of the same devices, each with another attribute."""
    for imei, serial, maker, site, tag in good_rows(count):
        yield imei, serial, maker, f"{site}, moved", tag


def bad_rows(count: int) -> Iterator[tuple[str, ...]]:
    """Give rows that are rejected, each for a check digit that is wrong."""
    for number, (imei, *others) in enumerate(good_rows(count)):
        yield f"{imei}{_wrong_digit(imei)}", *others, f"{number}"


def repeated_rows(count: int) -> Iterator[tuple[str, ...]]:
    """Give one device again and again: all but the first row are rejected."""
    (row,) = good_rows(1)
    for _ in range(count):
        yield row


def write(path: Path, rows: Iterator[tuple[str, ...]]) -> Path:
    """Write a file; gives its path."""
    with path.open("w", newline="") as file:
        table = csv.writer(file)
        table.writerow(HEADER)
        table.writerows(row[: len(HEADER)] for row in rows)
    return path


def _wrong_digit(core: str) -> int:
    total = sum(sum(divmod(int(d) * (1 + i % 2), 10)) for i, d in enumerate(core))
    return (1 - total) % 10
