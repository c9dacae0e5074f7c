"""Profiles, and what their devices are given."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from rollbook import _extras

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from rollbook.words import ProfileOrigin, ProfileType


@dataclass(frozen=True, slots=True)
class Configuration:
    """What a device is given when it is set up: three groups of keys.

    `system_extras` are the keys that Android itself defines, by their names in the
    contract and with words for enums: `{"wifi_ssid": "Depot", "wifi_security_type":
    "WPA"}`. A name or value it cannot hold raises ValueError that names the nearest
    right one. The other two groups take what JSON can say; of numbers, those that a
    double holds exactly.

    >>> Configuration(system_extras={"wifi_sid": "Depot"})
    Traceback (most recent call last):
    ValueError: system_extras: there is no 'wifi_sid'; did you mean 'wifi_ssid'?
    """

    vendor_keys: Mapping[str, object] = field(default_factory=dict)
    system_extras: Mapping[str, object] = field(default_factory=dict)
    custom_system_keys: Mapping[str, object] = field(default_factory=dict)

    def __post_init__(self) -> None:
        _extras.struct(self.vendor_keys, "vendor_keys")
        _extras.system_extras(self.system_extras)
        _extras.struct(self.custom_system_keys, "custom_system_keys")


@dataclass(frozen=True, slots=True)
class Profile:
    """A bulk enrollment profile with its counts as they stood in one instant."""

    profile_id: str
    name: str
    description: str
    type: ProfileType
    origin: ProfileOrigin
    tokenless: bool
    user_id: str
    device_count: int
    registered_count: int
    pending_count: int
    configuration: Configuration
    create_time: datetime | None
    update_time: datetime | None
    devices_update_time: datetime | None
    etag: str
    user_name: str
