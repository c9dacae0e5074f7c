"""What a client says when it opens an upload."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping


class OnInvalidRow(StrEnum):
    """What one invalid row does to its upload."""

    SKIP = "SKIP"
    FAIL = "FAIL"


class OnConflict(StrEnum):
    """What happens to a row whose device is on the roll with other content."""

    REJECT = "REJECT"
    KEEP = "KEEP"
    UPDATE = "UPDATE"
    MOVE = "MOVE"


@dataclass(frozen=True, slots=True)
class UploadOptions:
    """What a client says when it opens an upload; the same again on every resume."""

    upload_id: str
    profile_id: str
    file_name: str = ""
    on_invalid_row: OnInvalidRow = OnInvalidRow.SKIP
    on_conflict: OnConflict = OnConflict.REJECT
    validate_only: bool = False
    column_mapping: Mapping[str, str] = field(default_factory=dict)

    @property
    def writes_at_once(self) -> bool:
        """Tell whether good rows go onto the roll batch by batch.

        They do not in a dry run, nor under FAIL, where they wait until all of them are
        known to be good, nor where they may change devices: of an upload that turns out
        too long, nothing may remain.
        """
        return self.goes_in_as_set and not self.is_all_or_nothing

    @property
    def goes_in_as_set(self) -> bool:
        """Tell whether batches of good rows are put among the devices, be it closed."""
        return not (self.validate_only or self.may_change_devices)

    @property
    def is_judged_row_by_row(self) -> bool:
        """Tell whether batches find out row by row what each does to the roll."""
        return not (self.goes_in_as_set or self.is_set_aside)

    @property
    def is_set_aside(self) -> bool:
        """Tell whether good rows wait for the end of the upload, to be judged only then."""
        return self.may_change_devices and not (self.is_all_or_nothing or self.validate_only)

    @property
    def is_all_or_nothing(self) -> bool:
        """Tell whether its rows go onto the roll together, when it ends, or not at all."""
        return self.on_invalid_row is OnInvalidRow.FAIL

    @property
    def may_change_devices(self) -> bool:
        """Tell whether rows may change devices that the roll has already."""
        return self.on_conflict in (OnConflict.UPDATE, OnConflict.MOVE)
