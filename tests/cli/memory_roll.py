"""A roll kept in memory in place of a server, and what a run of the command leaves behind."""

from __future__ import annotations

import json
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Self

from rollbook import (
    ColumnMapping,
    Configuration,
    Enrollment,
    EnrollOutcome,
    NotFoundError,
    OnConflict,
    OnInvalidRow,
    Profile,
    ProfileOrigin,
    ProfileType,
    QrCode,
    RowError,
    Token,
    TokenState,
    Upload,
    UploadProgress,
    UploadState,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path
    from typing import TextIO

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)
SECRET = "7K3M-Q9XT-2AV4"


@dataclass
class Ended:
    """What one run of the command left behind."""

    code: int
    out: str
    err: str

    @property
    def document(self) -> Any:
        """What `--output json` wrote."""
        return json.loads(self.out)

    @property
    def error(self) -> dict[str, Any]:
        """What `--output json` said of a failure."""
        said: dict[str, Any] = json.loads(self.err)["error"]
        return said


def make_profile(profile_id: str = "p1", name: str = "Depot", **other: Any) -> Profile:
    profile = Profile(
        profile_id=profile_id,
        name=name,
        description="",
        type=ProfileType.SELF_MAINTAINED,
        origin=ProfileOrigin.CSV,
        tokenless=False,
        user_id="",
        device_count=3,
        registered_count=1,
        pending_count=2,
        configuration=Configuration(),
        create_time=NOON,
        update_time=NOON,
        devices_update_time=None,
        etag="e1",
    )
    return replace(profile, **other)


def make_upload(upload_id: str = "u1", **other: Any) -> Upload:
    upload = Upload(
        upload_id=upload_id,
        profile_id="p1",
        file_name="devices.csv",
        state=UploadState.FINISHED,
        validate_only=False,
        row_count=2,
        created_count=2,
        updated_count=0,
        unchanged_count=0,
        rejected_count=0,
        committed_offset=100,
        committed_rows=2,
        committed_crc32=7,
        errors=(),
        create_time=NOON,
        update_time=NOON,
        on_invalid_row=OnInvalidRow.SKIP,
        on_conflict=OnConflict.REJECT,
        columns=(ColumnMapping("IMEI", "imei"),),
        dialect="generic",
        failure_reason="",
    )
    return replace(upload, **other)


def make_row_error(row: int, reason: str = "IMEI_LENGTH", message: str = "too short") -> RowError:
    return RowError(row, row + 1, "IMEI", reason, message, "", ("123",), "")


@dataclass
class Roll:
    """What the fake clients answer; a test changes it first."""

    profiles: list[Profile] = field(default_factory=lambda: [make_profile()])
    upload: Upload = field(default_factory=make_upload)
    row_errors: list[RowError] = field(default_factory=list)
    steps: list[int] = field(default_factory=list)
    outcome: EnrollOutcome = EnrollOutcome.REGISTERED
    failure: BaseException | None = None
    asked: dict[str, Any] = field(default_factory=dict)


class FakeClient:
    """Stands in for AdminClient and EnrollmentAgent."""

    def __init__(self, roll: Roll) -> None:
        self.roll = roll

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def create_profile(self, name: str, **fields: Any) -> Profile:
        configuration = fields.pop("configuration") or Configuration()
        made = make_profile("p9", name, configuration=configuration, **fields)
        self.roll.profiles.append(made)
        return made

    def get_profile(self, profile_id: str) -> Profile:
        for profile in self.roll.profiles:
            if profile.profile_id == profile_id:
                return profile
        raise NotFoundError("no such profile", reason="PROFILE_NOT_FOUND", code="NOT_FOUND")

    def list_profiles(self, *, name_contains: str = "") -> Iterator[Profile]:
        if self.roll.failure is not None:
            raise self.roll.failure
        wanted = name_contains.casefold()
        return (one for one in self.roll.profiles if wanted in one.name.casefold())

    def upload_devices(
        self,
        profile_id: str,
        source: Path,
        *,
        progress: Callable[[UploadProgress], None],
        **options: Any,
    ) -> Upload:
        self.roll.asked = {"profile_id": profile_id, "source": source, **options}
        for sent in self.roll.steps:
            progress(UploadProgress("u1", sent, 1000, 0, None, 0, 0, 1))
        if self.roll.failure is not None:
            raise self.roll.failure
        return replace(self.roll.upload, upload_id=options["upload_id"])

    def get_upload(self, upload_id: str) -> Upload:
        return replace(self.roll.upload, upload_id=upload_id)

    def list_upload_errors(self, _upload_id: str) -> Iterator[RowError]:
        return iter(self.roll.row_errors)

    def write_upload_errors(self, _upload_id: str, file: TextIO) -> int:
        file.write("IMEI,Rollbook Error\r\n")
        return len(self.roll.row_errors)

    def get_upload_template(self, profile_id: str = "") -> bytes:
        return f"\ufeffIMEI,{profile_id}\r\n".encode()

    def get_token(self, profile_id: str) -> Token:
        state = TokenState.ACTIVE
        return Token("t1", profile_id, "7K3M-****", state, NOON, NOON, 4, None)

    def reveal_token(self, _profile_id: str) -> str:
        return SECRET

    def generate_qr_code(self, profile_id: str, **options: Any) -> QrCode:
        self.roll.asked = {"profile_id": profile_id, **options}
        picture = "\x1b[38;5;231m\u2588\u2580\u2588\x1b[0m\n\u2588 \u2588\n\x1b[2J".encode()
        return QrCode(picture, "text/plain", "{}", ("wifi_ssid is missing\x1b[2J",))

    def enroll_device(self, **presented: Any) -> Enrollment:
        self.roll.asked = presented
        if self.roll.outcome is not EnrollOutcome.REGISTERED:
            return Enrollment(self.roll.outcome, "", "", {}, None, None, sign_in_available=True)
        attributes = {"Site": "Hall 3"}
        return Enrollment(
            self.roll.outcome, "d1", "p1", attributes, None, None, sign_in_available=False
        )
