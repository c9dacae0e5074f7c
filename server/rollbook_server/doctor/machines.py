"""The machine: its clock, and how many connections it lets a server have."""

from __future__ import annotations

import resource
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from rollbook_server import tuning
from rollbook_server.doctor import processes
from rollbook_server.doctor.findings import ok, warning, wrong

if TYPE_CHECKING:
    from rollbook_server.doctor.findings import Finding
    from rollbook_server.doctor.rolls import Roll

_CLOCK, _DESCRIPTORS = "clock", "file descriptors"
_MADE = datetime(2026, 1, 1, tzinfo=UTC)  # no Rollbook is older
_TOLERATED = timedelta(seconds=60)
_FEW = 1_024  # what a process has that asks for no more
_FOLLOW = "Let it follow time servers (chrony, systemd-timesyncd): `timedatectl` shows whether."


def clock(now: datetime, roll: Roll | None) -> Finding:
    """Look whether the clock can be right, and was not set back behind what was told."""
    if now < _MADE:
        return wrong(_CLOCK, f"it says {now:%Y-%m-%d %H:%M} UTC", _FOLLOW)
    newest = roll.newest_event_time if roll else None
    if newest is not None and newest > now + _TOLERATED:
        return wrong(
            _CLOCK,
            f"the newest audit event is of {newest:%Y-%m-%d %H:%M:%S} UTC, this machine says "
            f"{now:%Y-%m-%d %H:%M:%S}: one of the two was wrong, or the clock was set back",
            f"Tokens expire by it. {_FOLLOW}",
        )
    told = f"{now:%Y-%m-%d %H:%M:%S} UTC"
    return ok(_CLOCK, told if newest is None else f"{told}, not before the newest audit event")


def descriptors(server: int | None) -> Finding:
    """Look how many file descriptors the server has, or would if it were started from here."""
    found = processes.descriptor_limit(server) if server else None
    if found is None:
        found = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    whose = f"process {server}" if server else "a server started from here"
    if found == resource.RLIM_INFINITY or found >= tuning.DESCRIPTORS:
        return ok(_DESCRIPTORS, f"{whose} has enough for {tuning.DESCRIPTORS:,} connections")
    told = f"{whose} has {found:,}, of which each connection takes one"
    advice = f"LimitNOFILE={tuning.DESCRIPTORS} in the systemd unit, or `ulimit -Hn` before it."
    return (wrong if found < _FEW else warning)(_DESCRIPTORS, told, advice)
