"""Whether the time of an answer tells why a token or a device was refused.

Calls of every kind in random order, one at a time; each kind is held against what is
unknown by the test of Mann and Whitney, which asks nothing of the shape of the times.
"""

from __future__ import annotations

import math
import sqlite3
import statistics
import time
from contextlib import closing
from random import Random
from typing import TYPE_CHECKING, Any

from rollbook import DeviceRow, EnrollmentAgent
from rollbook_server.domain.token_values import new_value

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from rollbook import AdminClient
    from running import ServerProcess

    Kinds = dict[str, dict[str, Any]]  # what each presents

# Of these the answer, or the token itself by its checksum, says as much.
TOLD_APART = ("right, wrong device", "mistyped")
IMEI, STRANGER = "86012345678901", "86012345678902"
UNKNOWN = "unknown"


def tokens(admin: AdminClient, server: ServerProcess) -> Kinds:
    """Give a device with a token of every kind."""
    found = _tokens(admin, server)
    strangers = {TOLD_APART[0]: STRANGER}
    return {
        kind: {"token": token, "imeis": [strangers.get(kind, IMEI)]}
        for kind, token in found.items()
    }


def devices(admin: AdminClient) -> dict[str, Kinds]:
    """Give devices of no profile and of another one, without a token and with one."""
    first, second, known = "86012345678903", "86012345678904", "86012345678905"
    admin.upload_rows(admin.create_profile("theirs").profile_id, [DeviceRow(imei=known)])
    token = admin.reveal_token(admin.create_profile("ours").profile_id)
    imeis = {UNKNOWN: first, "unknown as well": second, "of another profile": known}
    return {
        which: {kind: {"token": value, "imeis": [imei]} for kind, imei in imeis.items()}
        for which, value in {"no token": "", "the right token of a profile": token}.items()
    }


def _tokens(admin: AdminClient, server: ServerProcess) -> dict[str, str]:
    """Give a token of every kind; one of them the server cannot know of but by a restart."""
    found = {UNKNOWN: new_value(), "unknown as well": new_value()}
    for kind in ("expired", "revoked", "refreshed", TOLD_APART[0]):
        profile = admin.create_profile(kind).profile_id
        found[kind] = admin.reveal_token(profile)
        if kind == "revoked":
            admin.revoke_token(profile)
        elif kind == "refreshed":
            admin.refresh_token(profile)
        elif kind == "expired":
            admin.upload_rows(profile, [DeviceRow(imei=IMEI)])
            _expire(server, admin.get_token(profile).token_id)
    return {**found, "mistyped": found[UNKNOWN][:-1] + ("0" if found[UNKNOWN][-1] != "0" else "1")}


def _expire(server: ServerProcess, token_id: str) -> None:
    server.terminate()
    with closing(sqlite3.connect(server.data_dir / "rollbook.db")) as database, database:
        database.execute("UPDATE tokens SET expire_time = 1 WHERE token_id = ?", (token_id,))
    server.start()


def measure(server: ServerProcess, kinds: Kinds, calls: int) -> dict[str, list[float]]:
    """Give the seconds that calls of each kind took."""
    order = [kind for kind in kinds for _ in range(calls)]
    Random(5).shuffle(order)
    found: dict[str, list[float]] = {kind: [] for kind in kinds}
    with EnrollmentAgent(server.address) as agent:
        for kind in order:
            begun = time.perf_counter()
            agent.enroll_device(**kinds[kind], request_id="")
            found[kind].append(time.perf_counter() - begun)
    return found


def lines(found: dict[str, list[float]]) -> Iterator[str]:
    """Give a line for each kind."""
    usual = found[UNKNOWN]
    for kind, seconds in found.items():
        if kind == UNKNOWN:
            continue
        middle = statistics.median(seconds) - statistics.median(usual)
        note = "  (no secret)" if kind in TOLD_APART else ""
        yield f"{kind:<22} {middle * 1e6:>+8.1f} us  p = {p_value(seconds, usual):.3f}{note}"


def p_value(ours: Sequence[float], theirs: Sequence[float]) -> float:
    """Give how likely times so far apart are if both are of one kind; two-sided, no ties."""
    ranked = sorted([(each, 1) for each in ours] + [(each, 0) for each in theirs])
    n, m = len(ours), len(theirs)
    above = sum(rank for rank, (_, is_ours) in enumerate(ranked, 1) if is_ours) - n * (n + 1) / 2
    spread = math.sqrt(n * m * (n + m + 1) / 12)
    return math.erfc(abs(above - n * m / 2) / spread / math.sqrt(2))
