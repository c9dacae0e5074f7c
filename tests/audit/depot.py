"""One of everything, and ways to look into the log of what is done with it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from databases import DATABASES
from rollbook import DeviceRow
from rollbook_server.domain import tokens
from uploads.wire import imei

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rollbook import AdminClient, AuditEvent, Device, EnrollmentAgent, Profile
    from running import Server

IMEI, STRANGER = imei(1), "490154203237518"
PASSWORD = "correct horse battery"


@dataclass
class Depot:
    """A profile with a token, a device that an upload brought, and a user."""

    server: Server
    admin: AdminClient
    agent: EnrollmentAgent
    profile: Profile = field(init=False)
    device: Device = field(init=False)
    user_id: str = ""
    upload_id: str = ""
    told: int = 0

    def __post_init__(self) -> None:
        self.profile = self.admin.create_profile("Depot")
        self.user_id = self.admin.create_user("ada", password=PASSWORD).user_id
        self.upload_id = self.admin.upload_rows(self.profile_id, [DeviceRow(IMEI)]).upload_id
        (self.device,) = self.admin.list_devices(self.profile_id)
        self.news()

    @property
    def profile_id(self) -> str:
        return self.profile.profile_id

    @property
    def token(self) -> str:
        """The value of the token, got behind the log's back."""
        app = self.server.app
        found = app._store.read(lambda roll: roll.tokens.current(self.profile_id))
        assert found is not None
        return tokens.value_of(found, app._sealing.sealer)

    def news(self) -> list[AuditEvent]:
        """Give the events since this was asked last, oldest first."""
        newer = self.events()[self.told :]
        self.told += len(newer)
        return newer

    def events(self) -> list[AuditEvent]:
        return [*self.admin.list_audit_events()][::-1]

    def settle(self) -> None:
        """End a period of counted refusals."""
        self.server.app._witness.settle(self.server.app._store, self.server.clock())

    def change(self, sql: str, parameters: Sequence[Any] = ()) -> None:
        """Write to the database as somebody does who is no server."""
        DATABASES.change(self.server.data_dir, sql, parameters)

    def dump(self) -> list[str]:
        """Give all that is stored, a line for each row."""
        return DATABASES.dump(self.server.data_dir)
