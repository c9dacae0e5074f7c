"""Files as people, spreadsheets and broken programs write them, each from its own seed."""

from __future__ import annotations

import csv
import io
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from random import Random

HEADERS = [
    "imei,imei2,serial_number,manufacturer,site",
    "IMEI,Serial Number,Make,note",
    "modemtype,modemid,serial,model,manufacturer,profiletype,owner",
    "modemtype,modemid,modemtype2,modemid2,manufacturer,profiletype,profileid",
    "IMEI1,IMEI2,serial number",
    "IMEI,FSN,attribute.Make",
    "Device Serial Number,Windows Product ID,Hardware Hash,Manufacturer",
    "Display Name,Ownership,Device Name,Serial Number,Platform,Manufacturer",
    "Terminal ID,Phone Model,User Type",
    "IMEI/MEID,User Name,Password",
    "imei,a,a",
    "imei,IMEI 1",
    "serial,site",
    "a,b,c",
    "356938035643809,desk",
    "356938035643809,ana,secret",
    "rollbook_reason,imei,,",
    "imei",
]
CELLS = [
    *("", "", "", " ", "0", "x", "desk 4", "Samsung", "Google", "HTC", "R5CT1", "EXAMPLE-0001"),
    *("356938035643809", "35693803564380", "3569380356438091", "35-693803-564380-9"),
    *("490154203237518", "A0000012345678", "a0000012345678", "000000000000000"),
    *("356938035643808", "3.56938E+14", '="356938035643809"', "=356938035643809", "56938035643809"),
    *("'=1+1", "''-2", "'text", "@x", "+49 170", "-", "'", "\t'=x", "N/A", "null"),
    *("é", "e\u0301", "😀", "\u200b", "\ufeff", "\u2028x", "\x85", "\x1f", "\0", "a\0b", "ẞ"),
    *("a,b", "a;b", "a\tb", 'say "x"', '"', '""', "two\nlines", "two\r\nlines", "cr\rcr", "\n"),
    *("x" * 13, "x" * 41, "x" * 129, "x" * 201, "9" * 30, "x" * 4097),
]
GOOD_CELLS = [
    *("356938035643809", "490154203237518", "35693803564380", "A0000012345678", ""),
    *("R5CT1", "Samsung", "HTC", "desk 4", "K\u00f6ln", "a b"),
]
# Of a carriage return alone `csv` makes a line of its own where lines end in LF.
PLAIN_CELLS = [cell for cell in CELLS if not set(cell) & set("'\0") and cell != "cr\rcr"]
SURROGATES = ["\ud800", "x\udc00", "\udbff\ud800"]
ENDS = [*["\n", "\r\n"] * 8, "\r", "\n\r", "\r\r\n"]
BLANK_LINES = ["\n", "\r\n", ",,\n", " \n", ";;\r\n", "\t\n", "sep=;\n", '"sep=,"\r\n', "|\n"]
ENCODINGS = [
    ("", "utf-8"),
    ("", "utf-8"),
    ("\ufeff", "utf-8"),
    ("\ufeff", "utf-16-le"),
    ("\ufeff", "utf-16-be"),
    ("", "utf-16-le"),
    ("", "latin-1"),
]
TOKENS = [
    *(b'"', b'""', b",", b";", b"\t", b"\r", b"\n", b"\r\n", b"\0", b"'", b"=", b"\xff", b"\xfe"),
    *(
        b"\xef\xbb\xbf",
        b"\xff\xfe",
        b"\xfe\xff",
        b"\xc3",
        b"\xed\xa0\x80",
        b"\xf0\x9f",
        b"\xc0\x80",
    ),
    *(b"PK\x03\x04", b'{"a":', b"sep=;", b"E+14", b"\xd8\x00", b"\x00\xdc", b"\x1a", b"x" * 300),
]
_HUGE = [70_000, 65_536, 65_537, 1_048_570]


class File(NamedTuple):
    """A file; `is_clean` says that a program wrote it by the rules of RFC 4180."""

    data: bytes
    is_clean: bool = False


def make(rng: Random) -> File:
    """Give a file: clean, careless, damaged or no file at all."""
    kind = rng.random()
    if kind < 0.05:
        return File(_raw(rng))
    if kind < 0.25:
        return File(_clean(rng), is_clean=True)
    data = _careless(rng)
    return File(damaged(data, rng) if kind < 0.6 else data)


def damaged(data: bytes, rng: Random) -> bytes:
    """Give the data after a few accidents."""
    for _ in range(rng.randint(1, 4)):
        begin = rng.randint(0, len(data))
        end = min(len(data), begin + rng.randint(0, 12))
        data = rng.choice(_ACCIDENTS)(data, begin, end, rng)
    return data


def pieces(data: bytes, rng: Random) -> list[int]:
    """Give where a file is cut, in order, the end of the file included."""
    if rng.random() < 0.1 and len(data) < 200:
        return list(range(1, len(data) + 1))
    return [*sorted(rng.randint(0, len(data)) for _ in range(rng.randint(0, 6))), len(data)]


def _raw(rng: Random) -> bytes:
    data = rng.randbytes(rng.randint(0, 120))
    return b"".join(rng.choices([b"", b"imei,a\n", b"\xff\xfe", b"\xef\xbb\xbf"], k=1)) + data


def _clean(rng: Random) -> bytes:
    out = io.StringIO()
    writer = csv.writer(
        out,
        delimiter=rng.choice(",,;\t"),
        lineterminator=rng.choice(["\n", "\r\n"]),
        quoting=rng.choice([csv.QUOTE_MINIMAL, csv.QUOTE_ALL]),
    )
    header = rng.choice(HEADERS[:10]).split(",")
    writer.writerow(header)
    for _ in range(rng.randint(1, 7)):
        writer.writerow(rng.choices(rng.choice([PLAIN_CELLS, GOOD_CELLS]), k=len(header)))
    mark, encoding = rng.choice(ENCODINGS[:5])
    return (mark + out.getvalue()).encode(encoding)


def _careless(rng: Random) -> bytes:
    delimiter, end = rng.choice(",,,;\t|"), rng.choice(ENDS)
    header = _header(rng)
    lines = [delimiter.join(header)]
    mark, encoding = rng.choice(ENCODINGS)
    cells = CELLS + SURROGATES if encoding.startswith("utf-16") else CELLS
    for _ in range(rng.randint(0, 7)):
        width = max(0, len(header) + rng.choice([0, 0, 0, 0, 0, 0, -1, 1, 3, -9]))
        pool = rng.choice([cells, GOOD_CELLS, GOOD_CELLS])
        lines.append(delimiter.join(_written(rng.choices(pool, k=width), rng)))
    if rng.random() < 0.001:
        lines.insert(rng.randint(0, len(lines)), _huge(rng))
    text = _with_blank_lines(mark, lines, end, rng)
    errors = "replace" if encoding == "latin-1" else "surrogatepass"
    return text.encode(encoding, errors)


def _header(rng: Random) -> list[str]:
    names = rng.choice(HEADERS).split(",")
    if rng.random() < 0.2:
        names += rng.choices(CELLS, k=rng.randint(1, 3))
    if rng.random() < 0.1:
        rng.shuffle(names)
    if rng.random() < 0.002:
        names += [f"n{number}" for number in range(rng.choice([1_000, 1_030]))]
    return names


def _written(cells: Sequence[str], rng: Random) -> list[str]:
    """Quote as it must be, always, or as it comes."""
    care = rng.random()
    if care < 0.15:
        return list(cells)
    return [
        '"' + cell.replace('"', '""') + '"' if care < 0.3 or _needs_quotes(cell) else cell
        for cell in cells
    ]


def _needs_quotes(cell: str) -> bool:
    return not set(cell).isdisjoint(',;\t|"\r\n')


def _with_blank_lines(mark: str, lines: Sequence[str], end: str, rng: Random) -> str:
    ends = rng.choices(ENDS, k=len(lines)) if rng.random() < 0.1 else [end] * len(lines)
    blanks = rng.choices([*BLANK_LINES, *[""] * 60], k=len(lines))
    text = "".join(map("".join, zip(blanks, lines, ends, strict=True)))
    return mark + (text.rstrip("\r\n") if rng.random() < 0.3 else text)


def _huge(rng: Random) -> str:
    begin, again = rng.choice([("", "x"), ("1,", "x"), ('"', "x\n"), ('"', '""'), ("", ",x")])
    return begin + again * rng.choice(_HUGE)


def _delete(data: bytes, begin: int, end: int, _: Random) -> bytes:
    return data[:begin] + data[end:]


def _double(data: bytes, begin: int, end: int, _: Random) -> bytes:
    return data[:end] + data[begin:]


def _move(data: bytes, begin: int, end: int, rng: Random) -> bytes:
    rest = data[:begin] + data[end:]
    place = rng.randint(0, len(rest))
    return rest[:place] + data[begin:end] + rest[place:]


def _insert(data: bytes, begin: int, _: int, rng: Random) -> bytes:
    return data[:begin] + rng.choice(TOKENS) + data[begin:]


def _flip(data: bytes, begin: int, end: int, rng: Random) -> bytes:
    flipped = bytes(byte ^ (1 << rng.randint(0, 7)) for byte in data[begin : begin + 1])
    return data[:begin] + flipped + data[begin + 1 :] if begin < end else data


def _splice(data: bytes, begin: int, _: int, rng: Random) -> bytes:
    other = _careless(rng)
    return data[:begin] + other[rng.randint(0, len(other)) :]


_ACCIDENTS: Sequence[Callable[[bytes, int, int, Random], bytes]] = (
    *(_delete, _delete, _double, _move, _insert, _insert, _insert, _flip, _flip, _splice),
)
