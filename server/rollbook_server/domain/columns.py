"""What each column of a file means: from a header to the fields of a device."""

from __future__ import annotations

import unicodedata
from collections import Counter
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from rollbook_server.domain import dialects
from rollbook_server.domain.dialects import ATTRIBUTE, IDENTIFIERS, IGNORED
from rollbook_server.domain.errors import FieldsError, FileError, Reason
from rollbook_server.domain.identifiers import LONGEST_TYPED, shortened

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from rollbook_server.domain.dialects import Dialect

# 4 identifiers and 100 attributes, with room for columns that are passed over.
MOST_COLUMNS = 128
_MOST_HEADERS_IN_MESSAGE = 12
# A header with so many digits is rather a device's identifier: not repeated.
_DIGITS_OF_IDENTIFIER = 6
_FIELDS = (*IDENTIFIERS, ATTRIBUTE, IGNORED)
_UNDERSTOOD = (
    "understood are imei, imei2, serial_number and manufacturer, with or without case and"
    " spaces, and names such as IMEI1, MEID, modemid, Serial, FSN, Make, OEM"
)


@dataclass(frozen=True, slots=True)
class Columns:
    """Where the fields of a device stand in a row, by index.

    `attributes` are pairs of index and name; a column that is nowhere is ignored.
    Without a header the first record of the file is a row already.
    """

    dialect: str
    headers: tuple[str, ...]
    imei: int | None = None
    imei2: int | None = None
    serial_number: int | None = None
    manufacturer: int | None = None
    attributes: tuple[tuple[int, str], ...] = ()
    has_header: bool = True

    def mapping(self) -> list[tuple[str, str]]:
        """Give each column with its field, "attribute" or "ignored"."""
        fields = {getattr(self, field): field for field in IDENTIFIERS}
        fields |= dict.fromkeys((index for index, _ in self.attributes), ATTRIBUTE)
        return [(name, fields.get(index, IGNORED)) for index, name in enumerate(self.headers)]

    def to_dict(self) -> dict[str, Any]:
        """Give a form that JSON can hold."""
        return asdict(self)

    @classmethod
    def from_dict(cls, stored: Mapping[str, Any]) -> Columns:
        """Undo `to_dict`, also after a passage through JSON."""
        attributes = tuple((index, name) for index, name in stored["attributes"])
        return cls(**{**stored, "headers": tuple(stored["headers"]), "attributes": attributes})


def understand(
    cells: Sequence[str], column_mapping: Mapping[str, str] | None = None, *, line: int = 1
) -> Columns:
    """Give the meaning of each column of a file whose first record has these cells.

    `column_mapping` (header to field) overrules what would be recognised.

    Raises:
        FieldsError: the mapping names a header or a field that does not exist.
        FileError: the columns identify no device, are too many, or clash.
    """
    _refuse_nul(cells, line)
    headers = _named(cells, line)
    dialect = dialects.recognise(headers)
    headers = tuple(dialects.header_of(dialect, headers))
    names = [dialects.normalised(header) for header in headers]
    chosen = _chosen(headers, names, column_mapping or {})
    fields = _fields(names, dialect, chosen)
    _refuse_clashes(headers, fields, line)
    _require_identifier(headers, fields, dialect, line)
    return _columns(headers, fields, dialect)


def _refuse_nul(cells: Sequence[str], line: int) -> None:
    if any("\0" in cell for cell in cells):
        message = (
            "a NUL stands in the header; the file looks like UTF-16 without a byte order mark:"
            " save it as 'CSV UTF-8'"
        )
        raise FileError(Reason.CSV_NUL_CHARACTER, message, line=line)


def _named(cells: Sequence[str], line: int) -> tuple[str, ...]:
    """Give the trimmed headers; spreadsheets leave any number of empty ones at the end."""
    if any(len(cell) > LONGEST_TYPED for cell in cells):
        message = f"a column name has more than {LONGEST_TYPED} characters"
        raise FileError(Reason.CSV_FIELD_TOO_LARGE, message, line=line)
    headers = tuple(unicodedata.normalize("NFC", cell).strip() for cell in cells)
    if any(headers[MOST_COLUMNS:]):
        message = f"{len(headers):,} columns; at most {MOST_COLUMNS} are allowed"
        raise FileError(Reason.CSV_TOO_MANY_COLUMNS, message, line=line)
    return headers[:MOST_COLUMNS]


def _chosen(
    headers: Sequence[str], names: Sequence[str], mapping: Mapping[str, str]
) -> dict[int, str]:
    """Give the field of every column that the uploader has mapped, by index."""
    chosen: dict[int, str] = {}
    for header, field in mapping.items():
        if field not in _FIELDS:
            message = f"{shortened(field)!r} is none of {', '.join(_FIELDS)}"
            raise FieldsError({"column_mapping": message})
        same = [index for index, name in enumerate(headers) if name and name == header.strip()]
        name = dialects.normalised(header)
        alike = [index for index, other in enumerate(names) if other and other == name]
        if not alike:
            message = f"the file has no column {shortened(header)!r}; it has {_listed(headers)}"
            raise FieldsError({"column_mapping": message})
        chosen |= dict.fromkeys(same or alike, field)
    return chosen


def _fields(names: Sequence[str], dialect: Dialect, chosen: Mapping[int, str]) -> list[str]:
    meanings = {**dialects.MEANINGS, **dialect.meanings}
    fields = [chosen.get(index, meanings.get(name, "")) for index, name in enumerate(names)]
    claimed = set(chosen.values())
    for index, field in enumerate(fields):
        if index not in chosen and field in IDENTIFIERS and field in claimed:
            fields[index] = ATTRIBUTE
    certain = set(fields)
    return [field or _weak_field(name, certain) for field, name in zip(fields, names, strict=True)]


def _weak_field(name: str, certain: set[str]) -> str:
    if not name or dialects.is_own(name):
        return IGNORED
    field = dialects.WEAK_MEANINGS.get(name, ATTRIBUTE)
    return ATTRIBUTE if field in certain else field


def _refuse_clashes(headers: Sequence[str], fields: Sequence[str], line: int) -> None:
    """Refuse two columns of one identifier, or two attributes of one name."""
    keys = [
        header if field == ATTRIBUTE else f"\0{field}"
        for header, field in zip(headers, fields, strict=True)
        if field != IGNORED
    ]
    for key, count in Counter(keys).items():
        if count > 1:
            where = [h for h, f in zip(headers, fields, strict=True) if key in (h, f"\0{f}")]
            meaning = f"all mean {key[1:]}" if key[0] == "\0" else "have the same name"
            message = (
                f"the columns {_listed(where)} {meaning}; remove or rename all but one, or map"
                " them with column_mapping"
            )
            raise FileError(Reason.CSV_DUPLICATE_COLUMN, message, line=line)


def _require_identifier(
    headers: Sequence[str], fields: Sequence[str], dialect: Dialect, line: int
) -> None:
    found = set(fields)
    if found & {"imei", "imei2"} or found >= {"serial_number", "manufacturer"}:
        return
    advice = dialect.advice or _advice(headers, found)
    message = (
        "no column holds an IMEI, or a serial number together with a manufacturer;"
        f" {advice}. Found: {_listed(headers)}; {_UNDERSTOOD}"
    )
    raise FileError(Reason.CSV_NO_IDENTIFIER_COLUMN, message, line=line)


def _advice(headers: Sequence[str], found: set[str]) -> str:
    if "serial_number" in found:
        return "add a column manufacturer (or imei)"
    if "manufacturer" in found:
        return "add a column serial_number (or imei)"
    if any(map(_looks_like_identifier, headers)):
        return (
            "the first line looks like a device: put a header line before it, such as"
            " manufacturer,model,serial_number"
        )
    return "name the columns in the first line"


def _looks_like_identifier(header: str) -> bool:
    return sum(map(str.isdigit, header)) >= _DIGITS_OF_IDENTIFIER


def _listed(headers: Sequence[str]) -> str:
    shown = ["(a number)" if _looks_like_identifier(h) else shortened(h) for h in headers if h]
    more = ", ..." if len(shown) > _MOST_HEADERS_IN_MESSAGE else ""
    return (", ".join(shown[:_MOST_HEADERS_IN_MESSAGE]) or "nothing") + more


def _columns(headers: tuple[str, ...], fields: list[str], dialect: Dialect) -> Columns:
    places = {field: fields.index(field) for field in IDENTIFIERS if field in fields}
    attributes = tuple(
        (index, headers[index]) for index, field in enumerate(fields) if field == ATTRIBUTE
    )
    return Columns(
        dialect.name, headers, attributes=attributes, has_header=dialect.has_header, **places
    )
