"""Devices that enroll together are told what each would be told alone."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from rollbook import DeviceRow
from rollbook_server.domain import enrollment, enrollment_groups
from rollbook_server.domain.callers import Caller, calling
from rollbook_server.domain.enrollment import Enrollment
from rollbook_server.domain.enrollment_groups import Call
from rollbook_server.domain.gate import Gate
from rollbook_server.domain.guess_limits import GuessLimits
from rollbook_server.domain.guessing import Guesses
from rollbook_server.domain.matching import Presented
from rollbook_server.domain.witness import Witness
from uploads.wire import imei

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from rollbook_server.domain.ports import Roll
    from rollbook_server.storage.roll_store import RollStore
    from running import Server

PRESENTED = [
    *(Presented.of((imei(n),), "", "") for n in range(1, 5)),
    Presented.of((imei(1), imei(2)), "", ""),  # two devices
    Presented.of((imei(3), imei(9)), "", ""),  # the second of one, too
    Presented.of((), "S4", "HTC"),
    Presented.of((imei(99),), "S4", "HTC"),
    Presented(),
]


class _Undone(Exception):  # noqa: N818 - takes a result out of a transaction that is to be undone
    def __init__(self, result: Any) -> None:
        super().__init__()
        self.result = result


@pytest.fixture
def digests(server: Server) -> list[bytes | None]:
    """Give what tokens are looked up by: none, a wrong one, and that of a profile with devices."""
    with server.admin() as admin:
        open_one = admin.create_profile("Open", tokenless=True).profile_id
        closed = admin.create_profile("Closed").profile_id
        rows = [DeviceRow(imei(n), serial_number=f"S{n}", manufacturer="HTC") for n in (1, 4)]
        admin.upload_rows(open_one, rows)
        admin.upload_rows(closed, [DeviceRow(imei(2)), DeviceRow(imei(3), imei(9))])
        value = admin.reveal_token(closed)
    sealer = server.app._sealing.sealer
    return [None, b"", enrollment.token_digest(sealer, value)]


calls = st.lists(
    st.tuples(st.sampled_from(PRESENTED), st.integers(0, 2), st.sampled_from(["", "r1", "r2"])),
    min_size=1,
    max_size=8,
)


@example(  # not in the order in which they stand on the roll
    drawn=[(PRESENTED[1], 2, ""), (PRESENTED[0], 0, "")], limits=GuessLimits(1, 1), sources=1
)
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    drawn=calls, limits=st.builds(GuessLimits, *[st.integers(1, 4)] * 2), sources=st.integers(1, 8)
)
def test_a_group_is_decided_as_its_calls_alone(
    server: Server,
    digests: list[bytes | None],
    drawn: list[tuple[Presented, int, str]],
    limits: GuessLimits,
    sources: int,
) -> None:
    now = server.clock()
    group = [
        Call(
            Enrollment(presented, digests[token], request),
            Caller(source=f"10.0.{n % sources}.1"),
            now,
        )
        for n, (presented, token, request) in enumerate(drawn)
    ]
    store = server.app._store
    together = _undone(store, _together, group, limits)
    assert together == _undone(store, _alone, group, limits)


def _together(gate: Gate, roll: Roll, group: Sequence[Call]) -> list[Any]:
    return enrollment_groups.enroll_all(gate, roll, group)


def _alone(gate: Gate, roll: Roll, group: Sequence[Call]) -> list[Any]:
    decisions = []
    for call in group:
        with calling(call.caller):
            decisions.append(enrollment.enroll(roll, call.enrollment, gate, call.now))
    return decisions


def _told(decisions: list[Any]) -> list[Any]:
    """Give what is told of decisions: of the profile no counts, which nobody is told."""
    return [
        (d.outcome, d.cause, d.device, d.profile and d.profile.profile_id, d.wait_seconds)
        for d in decisions
    ]


def _undone(
    store: RollStore, run: Callable[..., list[Any]], group: Sequence[Call], limits: GuessLimits
) -> Any:
    """Give the decisions, all that was written and what was told, and undo it."""

    def work(roll: Any) -> None:
        gate = Gate(Witness(lambda text: text.encode()), Guesses(limits))
        decisions = run(gate, roll, group)
        tables = ("devices", "tokens", "profiles")
        everything = "SELECT * FROM {} ORDER BY id"  # PostgreSQL has no order of its own
        written = [roll.devices._rows_of(everything.format(table), ()) for table in tables]
        raise _Undone((_told(decisions), written, list(roll.audit._deeds)))

    with pytest.raises(_Undone) as caught:
        store.write(work)
    return caught.value.result
