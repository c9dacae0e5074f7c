"""What an upload of a client in another language does when its stream breaks."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NoReturn

import pytest

from client.fake_server import FakeRollbook, Running
from client.faults import Fault
from client.test_upload_resume import PASSING, TERMINAL

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    import grpc

    from languages.programs import Program

pytestmark = pytest.mark.timeout(900)

# Each fault leaves up to three chunks behind, and the last one must still meet some.
CONTENT = b"IMEI\n" + b"490154203237518\n" * 600_000
# gRPC for Python alone calls a stream so that was reset.
OF_PYTHON = "stream removed"
ENDING = ("superseded", "too many rows", "bug of the server", "source changed")


@dataclass(frozen=True)
class Growing(Fault):
    """Loses the answer, while somebody adds a row to the file."""

    path: Path | None = None

    def raise_in(self, context: grpc.ServicerContext) -> NoReturn:
        assert self.path is not None
        with self.path.open("ab") as file:
            file.write(b"490154203237518\n")
        super().raise_in(context)


@pytest.fixture
def running() -> Iterator[Running]:
    with Running() as running:
        yield running


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "devices.csv"
    path.write_bytes(CONTENT)
    return path


def arrived(fake: FakeRollbook) -> bytes:
    (upload,) = fake.uploads.values()
    return upload.data


def test_after_every_fault_in_turn_the_file_arrives_once(
    program: Program, running: Running, file: Path
) -> None:
    faults = [fault for name, fault in PASSING.items() if name != OF_PYTHON]
    running.fake.stream_faults.extend(faults)
    ended = program.run("Depot", file, "none", address=running.address)

    assert (ended.returncode, ended.stderr) == (0, "")
    assert not running.fake.stream_faults
    assert arrived(running.fake) == CONTENT


def test_committed_bytes_are_not_sent_again(program: Program, running: Running, file: Path) -> None:
    running.fake.stream_faults.append(Fault(after=3, lost_bytes=1_000))
    ended = program.run("Depot", file, "none", address=running.address)

    assert ended.returncode == 0, ended.stderr
    assert running.fake.streams()[1][1].csv.offset == 2 * 256 * 1024 - 1_000


@pytest.mark.parametrize("name", ENDING)
def test_some_faults_end_the_upload(
    program: Program, running: Running, file: Path, name: str
) -> None:
    fault, _ = TERMINAL[name]
    running.fake.stream_faults.append(fault)
    ended = program.run("Depot", file, "none", address=running.address)

    assert ended.returncode == 1
    assert ended.stderr.startswith(f"{fault.reason}: ")
    assert len(running.fake.streams()) == 1


def test_a_file_that_grew_since_its_upload_finished_is_not_taken_for_uploaded(
    program: Program, running: Running, file: Path
) -> None:
    file.write_bytes(CONTENT[:100])
    running.fake.stream_faults.append(Growing(after=3, path=file))
    ended = program.run("Depot", file, "none", address=running.address)

    assert ended.returncode == 1
    assert "the file differs" in ended.stderr
    assert arrived(running.fake) == CONTENT[:100]
    assert len(running.fake.streams()) == 1
