"""What each batch of an upload asks before it goes in: in one message, where an engine can.

Whoever asks one of them later, as if nobody had, is given what is known by then.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from rollbook_server.storage import counters, devices, leftovers, profiles, upload_keys

if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

    from rollbook_server.domain.uploads import Upload
    from rollbook_server.storage.engine import RollDatabase


def ask(database: RollDatabase, upload: Upload, first: tuple[str, Sequence[Any]]) -> None:
    """Ask what a batch of the upload will, and one question more, before them."""
    if not upload.options.goes_in_as_set:
        return
    database.look_ahead(
        (
            first,
            (devices.HAS_SECOND, ()),
            (leftovers.ANY_DEVICES, (upload.upload_id,)),
            (profiles.KEY, (upload.profile_id,)),
            (upload_keys.KEY, (upload.upload_id,)),
            (counters.NEXT, (counters.NEXT_DEVICE,)),
            *((sql, ()) for sql in database.before_rows),
        )
    )
