"""What clients do while the power may fail, and what they are told: marks in the record.

Of each kind of answer one: a device that enrolled, a position that a reader saw, an upload
that is complete, a profile that is gone; and that an upload may be going, with its profile.
"""

from __future__ import annotations

import io
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING
from unittest.mock import patch

from rollbook import EnrollmentAgent, NotFoundError, _sources
from uploads.wire import imei

if TYPE_CHECKING:
    from power_loss.recording import Recorder
    from rollbook import AdminClient
    from running import ServerProcess

ENROLLERS, UPLOADS, ROWS = 4, 2, 60
CHUNK_BYTES = 200  # a dozen rows


def run(server: ServerProcess, recorder: Recorder, uploads: int) -> None:
    """Upload, enroll and delete at the same time, each kind so often."""
    small = patch.object(_sources, "_CHUNK_BYTES", CHUNK_BYTES)
    agent = EnrollmentAgent(server.address)
    with small, server.admin() as admin, agent, ThreadPoolExecutor(8) as pool:
        profile = admin.create_profile("Enrolling", tokenless=True).profile_id
        numbers = range(ENROLLERS * uploads * 10)
        _upload(admin, profile, "enrolling", numbers)
        shares = [numbers[first::ENROLLERS] for first in range(ENROLLERS)]
        works = [partial(_enroll, agent, recorder, share) for share in shares]
        turns = [range(first, uploads, UPLOADS) for first in range(UPLOADS)]
        works += [partial(_upload_all, admin, recorder, mine) for mine in turns]
        for work in [pool.submit(work) for work in works]:
            work.result()


def _enroll(agent: EnrollmentAgent, recorder: Recorder, numbers: range) -> None:
    for number in numbers:
        agent.enroll_device(imeis=[imei(number)])
        recorder.told({"enrolled": imei(number)[:14]})


def _upload_all(admin: AdminClient, recorder: Recorder, numbers: range) -> None:
    """Upload each to a profile of its own, then delete them but for the last."""
    profiles = []
    for number in numbers:
        profiles.append(admin.create_profile(f"Profile {number}").profile_id)
        first = 1_000_000 + number * ROWS
        _upload(admin, profiles[-1], f"u{number}", range(first, first + ROWS), recorder)
        recorder.told({"complete": f"u{number}", "rows": ROWS})
    for number, profile in zip(numbers, profiles[:-1], strict=False):
        recorder.told({"going": f"u{number}"})
        admin.delete_profile(profile, force=True)
        recorder.told({"gone": profile})


def _upload(
    admin: AdminClient,
    profile: str,
    upload_id: str,
    numbers: range,
    recorder: Recorder | None = None,
) -> None:
    data = "IMEI\n" + "".join(f"{imei(number)}\n" for number in numbers)

    def look(_: object) -> None:
        if recorder is not None:
            with suppress(NotFoundError):  # it is not open yet
                rows = admin.get_upload(upload_id).committed_rows
                recorder.told({"upload": upload_id, "rows": rows})

    source = partial(io.BytesIO, data.encode())
    admin.upload_devices(profile, source, upload_id=upload_id, progress=look)
