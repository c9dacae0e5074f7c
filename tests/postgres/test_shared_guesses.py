"""Three servers on one database, or as many workers, give a guesser no more than one does."""

from __future__ import annotations

import shutil
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from itertools import count, cycle
from typing import TYPE_CHECKING, Any

import grpc
import pytest

from databases import DATABASES, POSTGRESQL
from guessing.depot import CLOSED_IMEI, HELD, LIMITS, OPEN_IMEI, OPEN_SERIAL, PASSWORD, Depot
from rollbook import DeviceRow
from rollbook.v1 import enrollment_service_pb2, enrollment_service_pb2_grpc
from rollbook_server.domain.guess_limits import GAIN
from rollbook_server.domain.token_values import new_value
from running import ServerProcess
from uploads.wire import imei, refusal, until

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from rollbook import EnrollmentAgent
    from running import Server

pytestmark = [
    pytest.mark.parametrize("engine", [POSTGRESQL], indirect=True),
    pytest.mark.usefixtures("engine"),
]

REGISTERED, NOT_REGISTERED, SIGN_IN = "REGISTERED", "NOT_REGISTERED", "SIGN_IN_REQUIRED"
EARNED = "SELECT 1 FROM guesses WHERE kind = 3"
SERIAL: dict[str, Any] = {"serial_number": OPEN_SERIAL, "manufacturer": "HTC"}


@pytest.fixture(autouse=True)
def _nothing_is_heard_by_the_clock(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let no server in this process hear others but for a wrong guess."""
    monkeypatch.setattr("rollbook_server.app.EVERY_SECONDS", 10_000.0)


@pytest.fixture
def servers(serve: Callable[..., Server], tmp_path: Path) -> list[Server]:
    """Give three servers on one database."""
    first = serve(guess_limits=LIMITS)
    others = [tmp_path / f"data{number}" for number in (2, 3)]
    for folder in others:
        shutil.copytree(first.data_dir, folder)
    settings = {"database": first.config.database, "guess_limits": LIMITS}
    return [first, *(serve(data_dir=folder, **settings) for folder in others)]


@pytest.fixture
def depot(servers: list[Server]) -> Iterator[Depot]:
    with servers[0].admin() as admin, servers[0].agent() as agent:
        yield Depot(servers[0], admin, agent)


@pytest.fixture
def agents(servers: list[Server]) -> Iterator[list[EnrollmentAgent]]:
    """Give an agent of each server."""
    with ExitStack() as stack:
        yield [stack.enter_context(server.agent()) for server in servers]


def hear(server: Server, first: Server) -> None:
    """Let it do what it does every second."""
    ((last,),) = first.query("SELECT max(number) FROM guesses")
    assert server.app._listener is not None
    server.app._listener.wake()
    until(lambda: server.app._guesses.heard_to >= last)


def test_wrong_tokens_are_limited_on_all_together(
    depot: Depot, agents: list[EnrollmentAgent]
) -> None:
    told = [
        depot.enroll(agent, token=new_value(), imeis=[CLOSED_IMEI])
        for agent, _ in zip(cycle(agents), range(12), strict=False)
    ]
    assert told == [SIGN_IN] * 5 + [HELD] * 7
    for agent in agents:
        assert depot.enroll(agent, token=depot.token, imeis=[CLOSED_IMEI]) == REGISTERED


def test_wrong_devices_are_limited_on_all_together(
    depot: Depot, agents: list[EnrollmentAgent]
) -> None:
    numbers = zip(cycle(agents), range(1000, 1012), strict=False)
    told = [depot.enroll(agent, imeis=[imei(number)]) for agent, number in numbers]
    assert told == [NOT_REGISTERED] * 6 + [HELD] * 6
    assert [depot.enroll(agent, imeis=[OPEN_IMEI]) for agent in agents] == [HELD] * 3
    assert [depot.enroll(agent, imeis=[imei(1000)]) for agent in agents] == [NOT_REGISTERED] * 3
    assert depot.enroll(agents[2], imeis=[OPEN_IMEI], **SERIAL) == REGISTERED
    (alarm,) = depot.alarms()
    assert (alarm.reason, alarm.details) == ("WRONG_DEVICES", {"count": "6"})


def test_guesses_on_all_at_once_are_limited(depot: Depot, agents: list[EnrollmentAgent]) -> None:
    numbers = list(zip(cycle(agents), range(1000, 1200), strict=False))
    with ThreadPoolExecutor(24) as pool:
        told = list(pool.map(lambda each: depot.enroll(each[0], imeis=[imei(each[1])]), numbers))
    assert (told.count(NOT_REGISTERED), told.count(HELD)) == (6, 194)
    assert len(depot.alarms()) == 1
    assert depot.admin.verify_audit_log().first_break is None


def test_beyond_the_limit_a_server_that_heard_nothing_answers_up_to_its_first_wrong_guess(
    depot: Depot, agents: list[EnrollmentAgent], servers: list[Server]
) -> None:
    depot.admin.create_devices(depot.opened, [DeviceRow(imei(n)) for n in range(50, 56)])
    first, second, third = agents
    assert depot.guess_devices(7) == [NOT_REGISTERED] * 6 + [HELD]
    assert depot.enroll(first, imeis=[imei(50)]) == HELD
    assert [depot.enroll(second, imeis=[imei(n)]) for n in (51, 99, 52)] == [REGISTERED, HELD, HELD]
    assert depot.enroll(third, imeis=[imei(53)]) == REGISTERED
    hear(servers[2], servers[0])
    assert depot.enroll(third, imeis=[imei(54)]) == HELD


def test_sign_ins_are_limited_on_all_together(depot: Depot, agents: list[EnrollmentAgent]) -> None:
    numbers = zip(cycle(agents), range(12), strict=False)
    told = [depot.sign_in(str(number), "a password", agent) for agent, number in numbers]
    assert told == [NOT_REGISTERED] * 9 + [HELD] * 3  # 9 names and one device
    assert [depot.sign_in("ada", PASSWORD, agent) for agent in agents] == [HELD] * 3


def test_devices_that_register_on_one_earn_more_guesses_on_another(
    depot: Depot, agents: list[EnrollmentAgent], servers: list[Server]
) -> None:
    rows = [DeviceRow(imei(n)) for n in range(200, 200 + 2 * GAIN)]
    depot.admin.create_devices(depot.opened, rows)
    for row in rows:
        assert depot.enroll(agents[1], imeis=[row.imei]) == REGISTERED
    assert depot.guess_devices(1, 900) == [NOT_REGISTERED]
    hear(servers[1], servers[0])  # that something failed there; and it tells what it knows
    until(lambda: len(servers[0].query(EARNED)) > 0)
    assert depot.guess_devices(9) == [NOT_REGISTERED] * 7 + [HELD] * 2


def test_a_server_that_comes_later_knows_what_was_guessed(
    depot: Depot, serve: Callable[..., Server], servers: list[Server], tmp_path: Path
) -> None:
    depot.guess_devices(8)
    folder = tmp_path / "data4"
    shutil.copytree(servers[1].data_dir, folder)
    later = serve(data_dir=folder, database=servers[0].config.database, guess_limits=LIMITS)
    with later.agent() as agent:
        assert depot.enroll(agent, imeis=[OPEN_IMEI]) == HELD


def test_workers_count_together_and_whoever_replaces_one(tmp_path: Path) -> None:
    data_dir = tmp_path / "data"
    limit = ("--wrong-devices", "10")
    options = ("--workers", "3", "--database", DATABASES.url(data_dir), *limit)
    server = ServerProcess(data_dir, *options).start()
    try:
        with server.admin() as admin:
            profile_id = admin.create_profile("Open", tokenless=True).profile_id
            admin.create_devices(profile_id, [DeviceRow(OPEN_IMEI)])
        numbers = count(1000)
        told = [guess(server, imei(next(numbers))) for _ in range(40)]
        assert told == [NOT_REGISTERED] * 10 + [HELD] * 30
        server.terminate()
        server.start()
        assert {guess(server, imei(next(numbers))) for _ in range(10)} == {HELD}
        assert guess(server, OPEN_IMEI) == HELD
    finally:
        server.terminate()


def guess(server: ServerProcess, presented: str) -> str:
    """Enroll over a connection of its own, which falls to any of the workers."""
    options = (("grpc.use_local_subchannel_pool", 1),)
    with grpc.insecure_channel(server.address, options=options) as channel:
        stub = enrollment_service_pb2_grpc.EnrollmentServiceStub(channel)
        request = enrollment_service_pb2.EnrollDeviceRequest(imeis=[presented])
        try:
            outcome = stub.EnrollDevice(request).outcome
        except grpc.RpcError as error:
            return refusal(error).reason
        name: str = enrollment_service_pb2.EnrollOutcome.Name(outcome)
        return name.removeprefix("ENROLL_OUTCOME_")
