"""Which device of the roll a presented one is.

The seed's table of four scenarios and the rest: any presented IMEI that is on
the roll decides, whatever serial number and manufacturer say; otherwise both of
these must be right for one device; otherwise the device is not on the roll.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from itertools import islice
from typing import TYPE_CHECKING

from rollbook_server.domain import serial_numbers
from rollbook_server.domain.imeis import imei_or_none

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from rollbook_server.domain.devices import Device

SLOTS_LOOKED_AT = 16  # agents send a slot for every radio, empty ones too
IMEIS_LOOKED_AT = 4  # no device has more radios; the rest would only be guessing
# Characters of a presented text; no identifier is longer in any spelling. Without it
# anyone could keep us busy: to normalise takes the square of a text's length.
TEXT_LOOKED_AT = 512


class MatchRule(StrEnum):
    """The rule that decided; see `MatchRule` in the contract."""

    IMEI = "IMEI"
    SERIAL_AND_MANUFACTURER = "SERIAL_AND_MANUFACTURER"
    NONE = "NONE"
    AMBIGUOUS = "AMBIGUOUS"
    TOKEN = "TOKEN"  # noqa: S105 - said by `explaining`: the rules above were not asked


@dataclass(frozen=True, slots=True)
class Presented:
    """What a device says of itself, in normal form; what is malformed is left out."""

    imeis: tuple[str, ...] = ()
    serial_number: str = ""
    manufacturer_key: str = ""

    @classmethod
    def of(cls, imeis: Iterable[str], serial_number: str, manufacturer: str) -> Presented:
        """Normalise; a malformed identifier is no error here, it just matches nothing."""
        filled = (imei for imei in tuple(imeis)[:SLOTS_LOOKED_AT] if imei.strip())
        looked_at = map(_looked_at, islice(filled, IMEIS_LOOKED_AT))
        cores = (imei_or_none(imei) for imei in looked_at)
        return cls(
            tuple(dict.fromkeys(core for core in cores if core)),
            serial_numbers.serial_number_or_empty(_looked_at(serial_number)),
            serial_numbers.manufacturer_key(_looked_at(manufacturer)),
        )


def _looked_at(text: str) -> str:
    return text if len(text) <= TEXT_LOOKED_AT else ""


@dataclass(frozen=True, slots=True)
class Candidates:
    """The devices of the roll that hold a presented key."""

    by_imei: Sequence[Device] = ()
    by_serial: Device | None = None


@dataclass(frozen=True, slots=True)
class Match:
    """Which device it is, if any, and the rule that decided."""

    rule: MatchRule
    device: Device | None = None


def decide(candidates: Candidates) -> Match:
    """Apply the rules to the devices found for one presented device."""
    known = {device.device_id: device for device in candidates.by_imei}
    if len(known) > 1:
        return Match(MatchRule.AMBIGUOUS)
    if known:
        return Match(MatchRule.IMEI, next(iter(known.values())))
    if candidates.by_serial is not None:
        return Match(MatchRule.SERIAL_AND_MANUFACTURER, candidates.by_serial)
    return Match(MatchRule.NONE)
