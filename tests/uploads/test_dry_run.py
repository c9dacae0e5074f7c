"""A dry run finds what the real run then finds, on any roll, and writes nothing."""

from __future__ import annotations

from contextlib import suppress
from itertools import count
from typing import TYPE_CHECKING, Any, NamedTuple

import grpc
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from rollbook_server.config import Config
from running import Server
from uploads import wire as w
from uploads.given_rows import own, own_imei, rows_given, table
from uploads.model import Given

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from rollbook import AdminClient, EnrollmentAgent

_EXAMPLES = count(1)


class World(NamedTuple):
    """A server with its clients."""

    wire: w.Wire
    admin: AdminClient
    agent: EnrollmentAgent


@pytest.fixture(scope="module", params=[w.LineByLine, w.Wire], ids=["row by row", "as one batch"])
def world(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[World]:
    """Give one server for all examples: each has profiles and keys of its own."""
    server = Server(Config(data_dir=tmp_path_factory.mktemp("dry"), listen="127.0.0.1:0"))
    with request.param(server) as wire, server.admin() as admin, server.agent() as agent:
        yield World(wire, admin, agent)
    server.stop()


class Case(NamedTuple):
    """A roll, as two profiles and some enrollments made it, and what is uploaded to the first."""

    here: list[Given]
    there: list[Given]
    enrolled: list[int]
    sent: list[Given]
    policies: dict[str, Any]


files = st.lists(rows_given, max_size=8)
cases = st.builds(
    Case,
    here=files,
    there=files,
    enrolled=st.lists(st.integers(1, 4), max_size=2),
    sent=st.lists(rows_given, min_size=1, max_size=9),
    policies=st.fixed_dictionaries(
        {
            "on_conflict": st.sampled_from([w.REJECT, w.KEEP, w.UPDATE, w.MOVE]),
            "on_invalid_row": st.sampled_from([w.SKIP, w.FAIL]),
        }
    ),
)


# Rows with keys of two devices each: judged alone in the dry run and together in the real one,
# where their lines come one by one, and still the same of the two devices is named.
_NUMBERS = range(1, 13)
mixed = Case(
    here=[Given(str(n), "", "", "", "a") for n in _NUMBERS],
    there=[],
    enrolled=[],
    sent=[
        Given("99", "", "", "", "b"),
        *(Given(str(n), str(n % 12 + 1), "", "", "b") for n in _NUMBERS),
    ],
    policies={"on_conflict": w.UPDATE, "on_invalid_row": w.SKIP},
)


@settings(max_examples=20)
@example(case=mixed)
@given(case=cases)
def test_a_dry_run_finds_what_the_real_run_finds(world: World, case: Case) -> None:
    example = next(_EXAMPLES)
    here, there = (_profile(world, f"{example} {n}") for n in range(2))
    for profile, rows in ((here, case.here), (there, case.there)):
        _send(world.wire, w.opening(profile, f"old-{profile}"), _file(rows, example))
    for number in case.enrolled:
        world.agent.enroll_device(imeis=[own_imei(str(number), example)])
    before, data = _stand(world, here, there), _file(case.sent, example)

    dry = _send(
        world.wire, w.opening(here, f"dry{example}", validate_only=True, **case.policies), data
    )
    assert _stand(world, here, there) == before
    real = _send(world.wire, w.opening(here, f"real{example}", **case.policies), data)

    assert _told(dry) == _told(real)
    after = _stand(world, here, there)
    written = [device for device in after[0] if device.upload == real.upload_id]
    kept = real.state != w.FAILED and real.created_count + real.updated_count
    assert len(written) == kept
    assert kept or after == before


def _profile(world: World, name: str) -> str:
    return world.admin.create_profile(name, tokenless=True).profile_id


def _file(rows: Sequence[Given], example: int) -> bytes:
    return table([own(given, example) for given in rows])


def _send(wire: w.Wire, opening: w.Message, data: bytes) -> w.Upload:
    """Send a file, however it ends, and give the upload."""
    with suppress(grpc.RpcError):
        wire.send(opening, w.file(data))
    return wire.upload(opening.open.upload_id)


def _told(upload: w.Upload) -> tuple[Any, ...]:
    """Give all that an upload tells of its rows."""
    errors = [(e.row, e.line, e.column, e.reason, e.message, e.device_id) for e in upload.errors]
    counts = (
        *(upload.row_count, upload.created_count, upload.updated_count),
        *(upload.unchanged_count, upload.rejected_count),
    )
    return upload.state, upload.failure_reason, errors, counts


def _stand(world: World, *profiles: str) -> tuple[list[w.Device], list[Any]]:
    """Give the devices of the profiles, and what these say of themselves."""
    devices = [device for device in world.wire.devices() if device.profile in profiles]
    return devices, [world.admin.get_profile(profile) for profile in profiles]
