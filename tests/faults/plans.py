"""What one upload of the kill loop is to be, drawn at random; the same seed draws the same."""

from __future__ import annotations

import csv
import io
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from faults.failpoints import FAILPOINTS, RANDOM, Failpoint
from faults.supervisor import Armed
from rollbook import DeviceRow, OnConflict, OnInvalidRow
from uploads.given_rows import own_imei
from uploads.model import Given

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from random import Random

MOST_ROWS = 40  # the server's limit
LEAST_ROWS = 26
BASE = 8  # devices that each of the two profiles has before
HALF = BASE // 2  # of which these are changed, and the others are found as they are
SITES = ("", "a", "Zürich", "東京 品川", "two\nlines", 'say "hi", twice', "a;b")


class Kind(NamedTuple):
    """A kind of upload; `bad` says that there are rows to be rejected."""

    on_invalid_row: OnInvalidRow = OnInvalidRow.SKIP
    on_conflict: OnConflict = OnConflict.REJECT
    validate_only: bool = False
    bad: bool = True
    discarded: bool = False
    too_long: bool = False


KINDS = {
    "skip": Kind(),
    "fail, all good": Kind(OnInvalidRow.FAIL, OnConflict.KEEP, bad=False),
    "fail, update": Kind(OnInvalidRow.FAIL, OnConflict.UPDATE, bad=False),
    "fail, move": Kind(OnInvalidRow.FAIL, OnConflict.MOVE, bad=False),
    "fail, a bad row": Kind(OnInvalidRow.FAIL),
    "update": Kind(on_conflict=OnConflict.UPDATE),
    "move": Kind(on_conflict=OnConflict.MOVE),
    "dry run": Kind(validate_only=True),
    "discard": Kind(discarded=True),
    "discard, update": Kind(on_conflict=OnConflict.UPDATE, discarded=True),
    "too long": Kind(too_long=True),
}


@dataclass(frozen=True)
class Plan:
    """One upload: into the first of two profiles that have devices already.

    `chunk` is in bytes for a file, else in rows; `discard_at` is in hundredths.
    """

    number: int
    kind: Kind
    typed: bool
    failpoints: Sequence[Armed]
    base: tuple[Sequence[Given], Sequence[Given]]
    rows: Sequence[Given]
    chunk: int
    line_end: str
    discard_at: int


def draw(dice: Random, number: int, first: Failpoint) -> Plan:
    """Draw an upload in which the failpoint is passed, and perhaps others after it."""
    name = dice.choice(sorted(first.kinds))
    kind, typed = KINDS[name], dice.random() < 0.4
    base = (_devices(number, range(BASE)), _devices(number, range(BASE, 2 * BASE)))
    return Plan(
        number=number,
        kind=kind,
        typed=typed,
        failpoints=_failpoints(dice, name, first),
        base=base,
        rows=_rows(dice, number, kind, base),
        chunk=dice.choice((1, 2, 7) if typed else (40, 150, 700)),
        line_end=dice.choice(("\n", "\r\n")),
        discard_at=dice.randrange(50, 95),
    )


def numbered(plan: Plan) -> list[tuple[int, Given]]:
    """Give the rows with the lines on which they begin."""
    lines, line = [], 1 if plan.typed else 2
    for row in plan.rows:
        lines.append((line, row))
        line += 1 if plan.typed else 1 + row.site.count("\n")
    return lines


def content(plan: Plan) -> bytes:
    """Give the file of a plan."""
    return table(plan.rows, plan.line_end)


def table(rows: Sequence[Given], line_end: str = "\n") -> bytes:
    """Give rows as a CSV file."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator=line_end)
    writer.writerow(Given._fields)
    writer.writerows(rows)
    return out.getvalue().encode()


def typed(rows: Sequence[Given]) -> list[DeviceRow]:
    """Give rows as the client library has them."""
    return [DeviceRow(*row[:4], {"site": row.site} if row.site else {}) for row in rows]


def _failpoints(dice: Random, kind: str, first: Failpoint) -> list[Armed]:
    fit = [point for point in FAILPOINTS if kind in point.kinds]
    points = [first, *dice.sample(fit, dice.randrange(3))]
    return [Armed(point, _when(dice, point)) for point in points]


def _when(dice: Random, point: Failpoint) -> int:
    return dice.randrange(101) if point.name == RANDOM else dice.randint(1, point.most)


def _devices(number: int, places: Sequence[int]) -> list[Given]:
    return [_new(number, place, "old") for place in places]


def _new(number: int, place: int, site: str) -> Given:
    """Give a device that no other row has a key of; every third has no IMEI."""
    imei = "" if place % 3 == 2 else own_imei(str(place), number)
    return Given(imei, "", f"R{place}-{number}", "HTC", site)


def _rows(
    dice: Random, number: int, kind: Kind, base: tuple[Sequence[Given], Sequence[Given]]
) -> list[Given]:
    length = dice.randint(LEAST_ROWS, MOST_ROWS)
    new = [_new(number, 2 * BASE + place, dice.choice(SITES)) for place in range(length)]
    if kind.bad:
        for place in dice.sample(range(length), dice.randint(3, 9)):
            new[place] = _spoilt(dice, new[0], base, new[place])
    places = dice.sample(range(length), 3 + HALF)
    for place in places[:3]:
        new[place] = dice.choice(base[0][HALF:])  # as the roll has it
    if not kind.bad and kind.on_conflict is not OnConflict.KEEP:
        for place, row in zip(places[3:], _changed(dice, kind, base), strict=True):
            new[place] = row
    if kind.bad:
        new[dice.randrange(length)] = Given("oops", "", "", "", "")
    longer = range(length, MOST_ROWS + dice.randint(1, 20)) if kind.too_long else ()
    return new + [_new(number, 2 * BASE + place, "more") for place in longer]


def _changed(
    dice: Random, kind: Kind, base: tuple[Sequence[Given], Sequence[Given]]
) -> Iterator[Given]:
    """Give rows that change a device each, every other one in a key; under MOVE also theirs."""
    theirs = base[kind.on_conflict is OnConflict.MOVE and dice.random() < 0.7]
    for place, row in enumerate(theirs[:HALF]):
        serial = f"{row.serial_number}-new" if place % 2 and row.imei else row.serial_number
        yield row._replace(serial_number=serial, site=dice.choice(SITES))


def _spoilt(
    dice: Random, other: Given, base: tuple[Sequence[Given], Sequence[Given]], row: Given
) -> Given:
    """Give a row that is bad, that repeats another, or that would change a device."""
    return dice.choice(
        (
            row._replace(imei="oops"),
            row._replace(imei="oops"),
            other,
            dice.choice(base[0])._replace(site="changed"),
            dice.choice(base[1])._replace(site="moved"),
        )
    )
