"""What a server shows of two profiles, and what it must show by the model."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from rollbook import TokenState
from rollbook_server.domain.enrollment import token_digest

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from races.model import Roll
    from rollbook import AdminClient
    from running import Server


@dataclass
class View:
    """Looks at everything that enrollments and changes leave; the first profile has the token."""

    server: Server
    admin: AdminClient
    profiles: tuple[str, str]

    def expected(self, roll: Roll, values: Mapping[str, str]) -> dict[str, Any]:
        """Give what `shown` must be."""
        devices, current = roll["devices"], roll["tokens"][roll["current"]]
        state = _state(current, roll)
        return {
            "devices": {
                key: (each["profile"], each["imei"], each["attributes"], each["registered"])
                for key, each in devices.items()
            },
            "counts": [_counts(roll, profile) for profile in self.profiles],
            "current": (roll["current"], state, current["expires"], current["uses"]),
            "uses": {key: roll["tokens"][key]["uses"] for key in values},
            "registrations": roll["registrations"],
        }

    def shown(self, values: Mapping[str, str], known: Iterable[str]) -> dict[str, Any]:
        """Give devices, counts, tokens and registrations; `known` devices may be gone."""
        token = self.admin.get_token(self.profiles[0])
        devices = [each for p in self.profiles for each in self.admin.list_devices(p)]
        ids = {*known, *(each.device_id for each in devices)}
        return {
            "devices": {
                each.device_id: (
                    *(each.profile_id, each.imei),
                    *(each.attributes.get("shelf", ""), each.register_time),
                )
                for each in devices
            },
            "counts": [self._counts(profile) for profile in self.profiles],
            "current": (token.token_id, token.state, token.expire_time, token.use_count),
            "uses": {key: self._uses(value) for key, value in values.items()},
            "registrations": {key: self._registrations(key) for key in ids},
        }

    def _counts(self, profile_id: str) -> tuple[int, int, int]:
        shown = self.admin.get_profile(profile_id)
        return shown.device_count, shown.registered_count, shown.pending_count

    def _uses(self, value: str) -> int:
        """Count the uses of any token; the contract shows those of the current one alone."""
        app = self.server.app
        digest = token_digest(app._sealing.sealer, value)
        found = app._store.read(lambda roll: roll.tokens.find(digest or b""))
        assert found is not None
        return found.use_count

    def _registrations(self, device_id: str) -> int:
        """Count the events that tell of a device that took its place for the first time."""
        events = self.admin.list_audit_events(device_id=device_id, action="EnrollDevice")
        return sum(event.reason == "DONE" and not event.details.get("again") for event in events)


def _state(token: Mapping[str, Any], roll: Roll) -> TokenState:
    if token["ends"] is not None and token["ends"] <= roll["now"]:
        return TokenState.REVOKED
    return TokenState.ACTIVE if roll["now"] < token["expires"] else TokenState.EXPIRED


def _counts(roll: Roll, profile_id: str) -> tuple[int, int, int]:
    mine = [each for each in roll["devices"].values() if each["profile"] == profile_id]
    registered = sum(each["registered"] is not None for each in mine)
    return len(mine), registered, len(mine) - registered
