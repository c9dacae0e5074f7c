"""How vendors name their columns, and which of them a header holds.

Vendors' peculiarities are rows of the two tables below; the functions know none
of them. The room knows headers; cells are judged in `rows`, and what a header
turns out to mean is told in `columns`.
"""

from __future__ import annotations

import csv
import re
import unicodedata
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from rollbook_server.domain.identifiers import LONGEST_TYPED
from rollbook_server.domain.imeis import imei_or_none

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

IDENTIFIERS = ("imei", "imei2", "serial_number", "manufacturer")
ATTRIBUTE = "attribute"
IGNORED = "ignored"

# Names without case, spaces, underscores and hyphens. What vendors write:
# zero-touch writes modemid, serial; Octave FSN; Esper IMEI1; KME and spreadsheets
# of resellers the rest.
_ALIASES = {
    "imei": "imei imei1 imeinumber imeinumber1 imeino imei/meid meid/imei imeimeid modemid"
    " modemid1 deviceimei primaryimei firstimei",
    "imei2": "imei2 imeinumber2 modemid2 secondimei secondaryimei",
    "serial_number": "serial serialnumber serialno serialnum serial# deviceserial"
    " deviceserialnumber deviceserialno factoryserialnumber fsn sn s/n",
    "manufacturer": "manufacturer manufacturername devicemanufacturer",
}
# These name an identifier only where no better name stands beside them: many
# inventories have both a manufacturer and a brand, or an IMEI and its MEID.
_WEAK_ALIASES = {
    "imei": "meid meid1 meidnumber imei/serial imei/sn imei/serialnumber imeiorserial"
    " imeiorserialnumber imei/meid/serialnumber imei/meidorserialnumber",
    "imei2": "meid2",
    "manufacturer": "make maker oem vendor brand",
}
MEANINGS = {name: field for field, names in _ALIASES.items() for name in names.split()}
WEAK_MEANINGS = {name: field for field, names in _WEAK_ALIASES.items() for name in names.split()}

# What our own error report adds begins so, and is passed over when the mended
# report is uploaded as it is.
_OWN_PREFIX = "rollbook"
_DELIMITERS = ",;\t"
# Excel's way to name the delimiter; a bar is seen there too.
_SEPARATOR_LINE = re.compile(r'\s*"?sep=([,;\t|])"?[,;\t\s]*', re.IGNORECASE)
_JSON = re.compile(r"""\s{0,9}[\[{]\s{0,9}(?:["\[{}\]]|\n)""")
_FILLERS = re.compile(r"[\s_\-\u2010\u2011\ufeff]+")
# A line of a million commas is not worth a look at more.
_CELLS_LOOKED_AT = 128
# What follows it is the name of an attribute, whatever else it would mean.
_EXPLICIT = "attribute."
# Files without a header that begin with an IMEI; serials cannot be told from headers.
# Intune's are `<imei or serial>,<details>`, those of Knox Mobile Enrollment
# `<imei or serial>,<user name>,<password>`.
_INTUNE_HEADERS = ("imei", "details")
_KNOX_HEADERS = ("imei", "user name", "enrollment password")


@dataclass(frozen=True, slots=True)
class Dialect:
    """One vendor's way to write a file.

    It is recognised when all names of `signature` are in the header, and no
    others if it is `exact`. `meanings` go before the general aliases; `advice`
    tells what to add to a file of this kind that identifies no device. Files without
    a header have the `implied` one.
    """

    name: str
    signature: frozenset[str] = frozenset()
    exact: bool = False
    meanings: Mapping[str, str] = field(default_factory=dict)
    advice: str = ""
    implied: tuple[str, ...] = ()

    @property
    def has_header(self) -> bool:
        """Tell whether files begin with a header."""
        return not self.implied

    def recognises(self, names: frozenset[str]) -> bool:
        """Tell whether a header with these names is of this dialect."""
        return names == self.signature if self.exact else names >= self.signature


# The same in every row of a zero-touch file, or known to Google's portal alone.
# `model` and `owner` tell the devices apart, so they become attributes.
_ZERO_TOUCH = dict.fromkeys(("modemtype", "modemtype2", "profiletype", "profileid"), IGNORED)

# Devices are given their attributes, and need none of these.
_AUTOPILOT = dict.fromkeys(("windowsproductid", "hardwarehash"), IGNORED)
_KNOX = dict.fromkeys(("password", "enrollmentpassword"), IGNORED)

GENERIC = Dialect("generic")
INTUNE = Dialect("intune", implied=_INTUNE_HEADERS)
KNOX = Dialect("knox", implied=_KNOX_HEADERS, meanings=_KNOX)
_DIALECTS = (
    Dialect("zero-touch-customer", frozenset({"profiletype", "profileid"}), meanings=_ZERO_TOUCH),
    Dialect("zero-touch-reseller", frozenset({"profiletype", "owner"}), meanings=_ZERO_TOUCH),
    Dialect("esper", frozenset({"imei1", "imei2", "serialnumber"}), exact=True),
    Dialect(
        "autopilot",
        frozenset({"deviceserialnumber", "windowsproductid", "hardwarehash"}),
        meanings=_AUTOPILOT,
        advice="this is a Windows Autopilot file; add a column Manufacturer (or IMEI)",
    ),
    Dialect("octave", frozenset({"imei", "fsn"})),
    Dialect(
        "hexnode",
        frozenset({"devicename", "serialnumber", "platform", "ownership"}),
        advice="this is a Hexnode file; add a column Manufacturer (or IMEI)",
    ),
    Dialect(
        "soliton",
        frozenset({"terminalid", "phonemodel", "usertype"}),
        meanings={"terminalid": "imei"},
    ),
    Dialect("knox", frozenset({"username", "password"}), meanings=_KNOX),
    Dialect("knox", frozenset({"userid", "password"}), meanings=_KNOX),
    Dialect("knox", frozenset({"enrollmentpassword"}), meanings=_KNOX),
    GENERIC,
)
_KNOWN_NAMES = frozenset({*MEANINGS, *WEAK_MEANINGS, *_ZERO_TOUCH}).union(
    *(dialect.signature for dialect in _DIALECTS)
)


def normalised(header: str) -> str:
    """Give the form in which column names are compared."""
    plain = unicodedata.normalize("NFKC", header) if len(header) <= LONGEST_TYPED else header
    return _FILLERS.sub("", plain).casefold()


def trimmed(name: str) -> str:
    """Give a header, or the name of an attribute, as it is kept: in NFC and trimmed."""
    return unicodedata.normalize("NFC", name).strip()


def attribute_name(header: str) -> str:
    """Give the name of the attribute that stands under a trimmed header.

    `attribute.Make` is that of an attribute called Make, which would otherwise be
    taken for the manufacturer; of `attribute.attribute.x` one called attribute.x.
    """
    named = header[len(_EXPLICIT) :].strip() if _is_explicit(header) else ""
    return named or header


def attribute_headers(names: Sequence[str], others: Sequence[str]) -> list[str]:
    """Give headers that come back as attributes of these names, beside other headers.

    Each is the name itself, unless that means something else by itself or makes the
    file look like that of a vendor.
    """
    plain = {name for name in names if _is_plain(name)}
    while (dialect := recognise([*others, *plain])) is not GENERIC:
        telling = dialect.signature.union(dialect.meanings)
        plain = {name for name in plain if normalised(name) not in telling}
    return [name if name in plain else _EXPLICIT + name for name in names]


def _is_plain(name: str) -> bool:
    known = normalised(name)
    means_more = known in MEANINGS or known in WEAK_MEANINGS or is_own(known)
    return bool(known) and not means_more and attribute_name(name) == name


def _is_explicit(header: str) -> bool:
    return header[: len(_EXPLICIT)].casefold() == _EXPLICIT


def is_own(name: str) -> bool:
    """Tell whether a normalised name is of a column that our error report adds."""
    return name.startswith(_OWN_PREFIX)


def recognise(cells: Sequence[str]) -> Dialect:
    """Give the dialect of a file that begins with these cells; the generic one fits all."""
    filled = len(cells) - len([cell for cell in cells[1:] if not cell.strip()])
    if filled <= len(_KNOX_HEADERS) and cells and imei_or_none(cells[0]):
        return INTUNE if filled <= len(_INTUNE_HEADERS) else KNOX
    names = frozenset(name for name in map(normalised, cells) if name and not is_own(name))
    return next(dialect for dialect in _DIALECTS if dialect.recognises(names))


def header_of(dialect: Dialect, cells: Sequence[str]) -> Sequence[str]:
    """Give the names of the columns: the cells themselves, if the dialect has a header."""
    return cells if dialect.has_header else dialect.implied[: max(1, len(cells))]


def is_json(line: str) -> bool:
    """Tell whether a file is JSON, as AWS IoT takes one object a line, by its first line.

    The line may be the beginning of one, of which more is to come: what is JSON stays it.
    """
    return _JSON.match(line) is not None


def separator_named_by(line: str) -> str:
    """Give the delimiter that Excel's `sep=;` line names, empty if the line is none."""
    found = _SEPARATOR_LINE.fullmatch(line)
    return found[1] if found else ""


def detect_delimiter(line: str) -> str:
    """Give the delimiter by which the first line has most known columns.

    One that makes the first of them known goes before others: names may hold any
    delimiter. Files of unknown columns are cut where they have most cells, and by
    commas if nothing speaks for another.
    """
    return max(_DELIMITERS, key=lambda delimiter: _evidence(line, delimiter))


def _evidence(line: str, delimiter: str) -> tuple[bool, int, int]:
    try:
        cells = next(csv.reader([line], delimiter=delimiter), [])
    except csv.Error:
        return False, 0, 0
    known = [normalised(cell) in _KNOWN_NAMES for cell in cells[:_CELLS_LOOKED_AT]]
    return any(known[:1]), sum(known), len(cells)
