"""What administrators and their services call."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rollbook import _dual, _sources
from rollbook._admin_calls import AdminCalls
from rollbook._blocking import BlockingClient
from rollbook.words import OnConflict, OnInvalidRow

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from rollbook.resources import DeviceRow, Upload, UploadProgress


class AdminClient(BlockingClient, AdminCalls):
    """Looks after profiles, uploads, devices, inventories, tokens, users and API keys.

    It calls with an API key; what that has no right to raises PermissionDeniedError. What
    it may change but not view comes back with ids, etag, states and times alone.

    >>> with AdminClient(address, api_key=key) as admin:
    ...     profile = admin.create_profile("Depot tablets")
    ...     names = [each.name for each in admin.list_profiles(name_contains="tablets")]
    >>> names
    ['Depot tablets']

    It reads the audit log of all that, too.

    Plaintext on loopback, TLS everywhere else: the key leaves this machine unencrypted
    only with `plaintext=True`; `plaintext=False` means TLS on loopback, too, and so do
    certificates. `root_certificates` are trusted in place of those that gRPC brings along;
    `client_certificate` and `client_key` are shown to servers that ask for them. Each is PEM
    as bytes, or the path of a file, read once. `server_name` is what the server's
    certificate is for, if that is not the host of the address. Raises ValueError or OSError
    for what cannot be used.

    `timeout_seconds` bounds each call with its retries, but no upload or export. Threads
    may share one. Close it, or use it in a `with`.
    """

    @_dual.method
    async def upload_rows(  # noqa: PLR0913 - as many options as an upload has
        self,
        profile_id: str,
        rows: Callable[[], Iterable[DeviceRow]] | Sequence[DeviceRow],
        *,
        upload_id: str | None = None,
        file_name: str | None = None,
        on_invalid_row: OnInvalidRow = OnInvalidRow.SKIP,
        on_conflict: OnConflict = OnConflict.REJECT,
        validate_only: bool = False,
        progress: Callable[[UploadProgress], None] | None = None,
        give_up_after_seconds: float = 300.0,
    ) -> Upload:
        """Upload typed rows: a list, or a function that gives them from the first on.

        The function is called again for every stream and has to give the same rows in
        the same order; rows that come slowly are sent every second:

        >>> def rows():  # from the first on, each time
        ...     for number in range(2):
        ...         yield DeviceRow(serial_number=f"S{number}", manufacturer="Acme")
        >>> admin.upload_rows(profile_id, rows, upload_id="order-17").created_count
        2

        For all else see `upload_devices`. An iterator is refused with TypeError, for it
        could not be read again, and so is a function that gives the same one twice. Other
        threads than yours read the rows, never two at once: SQLite's connections need
        `check_same_thread=False`.
        """
        return await self._upload(
            _sources.row_opener(rows),
            profile_id,
            upload_id=upload_id,
            file_name=file_name or "",
            on_invalid_row=on_invalid_row,
            on_conflict=on_conflict,
            validate_only=validate_only,
            column_mapping=None,
            progress=progress,
            give_up_after_seconds=give_up_after_seconds,
        )
