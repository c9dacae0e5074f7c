"""What is stored of single devices, as a Protocol; a part of `repositories`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from rollbook_server.domain.device_lists import DeviceQuery
    from rollbook_server.domain.devices import Device


class DeviceLists(Protocol):
    """Devices of the roll by what is known of them; none that are to be swept up."""

    def find(self, device_ids: Iterable[str]) -> Mapping[str, Device]:
        """Give those of the devices that are on the roll."""

    def list(self, query: DeviceQuery, *, after: str, limit: int) -> Iterator[Device]:
        """Give at most `limit` devices behind device `after`, one by one, in order of number."""

    def with_imeis(self, imeis: Iterable[str], *, limit: int) -> Sequence[Device]:
        """Give the first devices that have one of these as first or second IMEI."""

    def with_serial_numbers(self, serials: Iterable[str], *, limit: int) -> Sequence[Device]:
        """Give the first devices with one of these serial numbers, whatever their maker."""

    def release(self, devices: Iterable[Device]) -> None:
        """Take all their keys from devices that are about to be written with `change`."""

    def remove(self, devices: Iterable[Device]) -> None:
        """Take devices off the roll."""
