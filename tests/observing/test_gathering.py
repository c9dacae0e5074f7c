"""The metrics of several processes, told by one of them."""

from __future__ import annotations

import multiprocessing
import signal
from typing import TYPE_CHECKING

import pytest
from prometheus_client import CollectorRegistry, generate_latest

from databases import POSTGRESQL
from observing.conftest import ANYWHERE, Told, asked
from rollbook_server.health import SERVICES
from rollbook_server.observing import gathering
from rollbook_server.observing.gathering import Gathering
from rollbook_server.observing.metrics import Metrics
from running import ServerProcess

if TYPE_CHECKING:
    from collections.abc import Sequence
    from multiprocessing.connection import Connection
    from pathlib import Path


def counted(calls: int) -> Metrics:
    """Give metrics of a process that has served so many calls."""
    metrics = Metrics(SERVICES)
    method = metrics.calls._methods["/rollbook.v1.ProfileService/GetProfile"]
    for _ in range(calls):
        method.started.inc()
    return metrics


def told(pipes: Sequence[Connection]) -> Told:
    registry = CollectorRegistry()
    registry.register(Gathering(lambda: pipes))
    return Told(generate_latest(registry).decode())


def test_each_process_has_its_own_numbers() -> None:
    pairs = [multiprocessing.Pipe() for _ in range(2)]
    for (_, theirs), calls in zip(pairs, (2, 3), strict=True):
        gathering.answer(theirs, counted(calls))
    found = told([ours for ours, _ in pairs])
    name = "grpc_server_started_total"
    assert [found.sum(name, worker=each, grpc_method="GetProfile") for each in "01"] == [2, 3]
    assert found.sum("rollbook_worker_up") == 2
    assert len([line for line in found.text.splitlines() if line == f"# TYPE {name} counter"]) == 1
    for pair in pairs:
        for each in pair:
            each.close()


def test_one_that_has_ended_is_told_of_and_hides_no_other() -> None:
    (gone, theirs), (ours, other) = multiprocessing.Pipe(), multiprocessing.Pipe()
    theirs.close()
    gathering.answer(other, counted(1))
    found = told([gone, ours])
    assert [found.sum("rollbook_worker_up", worker=each) for each in "01"] == [0, 1]
    assert found.sum("grpc_server_started_total") == 1
    for each in (gone, ours, other):
        each.close()


def test_an_answer_that_comes_too_late_is_not_taken_for_another(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(gathering, "_WAIT_SECONDS", 0)
    ours, theirs = multiprocessing.Pipe()
    gathered = Gathering(lambda: [ours])
    assert [sample.value for sample in next(iter(gathered.collect())).samples] == [0]
    monkeypatch.undo()
    late, _ = theirs.recv()
    theirs.send((late, counted(7).collect()))
    gathering.answer(theirs, counted(1))
    started = {each.name: each for each in gathered.collect()}["grpc_server_started"]
    assert sum(sample.value for sample in started.samples) == 1
    ours.close()
    theirs.close()


@pytest.mark.parametrize("engine", [POSTGRESQL], indirect=True)
def test_workers_are_told_of_at_one_address(tmp_path: Path) -> None:
    process = ServerProcess(tmp_path / "data", "--workers", "2", "--metrics", ANYWHERE).start()
    try:
        with process.admin() as admin:
            admin.create_profile("Depot")
        found = asked(process.metrics)
        assert found.sum("rollbook_worker_up") == 2
        assert found.sum("rollbook_serving") == 2
        created = {"grpc_method": "CreateProfile", "grpc_code": "OK"}
        assert found.sum("grpc_server_handled_total", **created) == 1
        assert found.sum("rollbook_roll_profiles") == 1  # once, whoever was asked for it
        pids = {each.labels["worker"] for each in found.samples if each.name.startswith("process_")}
        assert pids == {"0", "1"}
        process.send(signal.SIGUSR1)
        while process.log.read_text().count("logging all there is") < 3:
            pass  # the first process and both of its workers
    finally:
        assert process.terminate() == 0
