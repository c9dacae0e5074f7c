"""Uploads do what a naive model does row by row, however they are cut, batched and broken off."""

from __future__ import annotations

from itertools import count
from typing import TYPE_CHECKING, Any, NamedTuple
from unittest.mock import patch

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from rollbook import EnrollOutcome
from rollbook_server.config import Config
from rollbook_server.domain.endings import Ending
from rollbook_server.domain.guess_limits import GuessLimits
from rollbook_server.domain.upload_limits import UploadLimits
from running import Server
from uploads import wire as w
from uploads.given_rows import own, own_imei, rows_given, table
from uploads.model import ModelRoll, Opening

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from rollbook import AdminClient, EnrollmentAgent
    from uploads.model import Given

_EXAMPLES = count(1)


class Break(NamedTuple):
    """Where a stream is broken off, in hundredths of the content, and how it came there."""

    place: int
    from_start: bool
    cancelled: bool


class Sent(NamedTuple):
    """One upload of a program."""

    profile: int
    on_invalid_row: Any
    on_conflict: Any
    validate_only: bool
    rows: list[Given]
    typed: bool
    size: int
    breaks: list[Break]
    enrolled: int


class World(NamedTuple):
    """A server with its clients."""

    wire: w.Wire
    admin: AdminClient
    agent: EnrollmentAgent


uploads_sent = st.builds(
    Sent,
    profile=st.integers(0, 1),
    on_invalid_row=st.sampled_from([w.SKIP, w.SKIP, w.FAIL]),
    on_conflict=st.sampled_from([w.REJECT, w.KEEP, w.UPDATE, w.MOVE]),
    validate_only=st.sampled_from([False, False, False, True]),
    rows=st.lists(rows_given, min_size=1, max_size=9),
    typed=st.booleans(),
    size=st.sampled_from([1, 2, 7, 50, 1000]),
    breaks=st.lists(
        st.builds(Break, st.integers(0, 100), st.booleans(), st.booleans()), max_size=3
    ),
    enrolled=st.integers(0, 4),
)


@pytest.fixture(scope="module", params=[1, 2, 3, 10_000], ids=lambda n: f"batches of {n}")
def world(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[World]:
    """Give one server for all examples: each has profiles and keys of its own.

    What a finished upload does step by step, it does in steps of as many rows.
    """
    limits = UploadLimits(batch_rows=request.param)
    data_dir = tmp_path_factory.mktemp("property")
    # What a program does not put on the roll is enrolled in vain, in every example others.
    guesses = GuessLimits(wrong_devices=10**9)
    config = Config(
        data_dir=data_dir, listen="127.0.0.1:0", upload_limits=limits, guess_limits=guesses
    )
    server = Server(config)
    steps = patch.object(Ending, "piece_rows", lambda _: request.param)
    with steps, w.Wire(server) as wire, server.admin() as admin, server.agent() as agent:
        yield World(wire, admin, agent)
    server.stop()


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(program=st.lists(uploads_sent, min_size=1, max_size=4))
def test_uploads_do_what_the_model_does(world: World, program: list[Sent]) -> None:
    example, model = next(_EXAMPLES), ModelRoll()
    names = [f"{example} {n}" for n in range(2)]
    profiles = [world.admin.create_profile(name, tokenless=True).profile_id for name in names]
    for number, sent in enumerate(program):
        rows = [own(given, example) for given in sent.rows]
        profile = profiles[sent.profile]
        opening = Opening(f"e{example}-{number}", profile, *sent[1:4])
        numbered = _numbered(rows, typed=sent.typed)
        expected = model.upload(opening, numbered)
        refused = "UPLOAD_HAS_INVALID_ROWS" if expected.failed else ""
        _send(world.wire, opening, sent, rows, refused if numbered else "FILE_WITHOUT_ROWS")
        upload = world.wire.upload(opening.upload_id)
        assert [(e.row, e.reason) for e in upload.errors] == expected.errors
        assert _counts(upload) == +expected.counts
        ended = w.FAILED if expected.failed else w.FINISHED
        assert upload.state == (ended if numbered else w.OPEN)
        _enroll(world, model, own_imei(str(sent.enrolled), example))
        assert _devices(world.wire, profiles) == sorted(model.devices, key=str)
        for each in profiles:
            found = world.admin.get_profile(each)
            assert (found.pending_count, found.registered_count) == model.counts(each)


def _numbered(rows: Sequence[Given], *, typed: bool) -> list[tuple[int, Given]]:
    """Give the rows with their lines; in a file, a row of empty cells is a blank line."""
    if typed:
        return list(enumerate(rows, 1))
    return [(line, row) for line, row in enumerate(rows, 2) if any(row)]


def _send(wire: w.Wire, opening: Opening, sent: Sent, rows: Sequence[Given], refused: str) -> None:
    """Send an upload over as many streams as it breaks; `refused` is how it ends, if badly."""
    message = w.opening(
        opening.profile,
        opening.upload_id,
        on_invalid_row=opening.on_invalid_row,
        on_conflict=opening.on_conflict,
        validate_only=opening.validate_only,
    )
    content: Any = _typed(rows) if sent.typed else table(rows)
    for each in sent.breaks:
        _break_off(wire, message, sent, content[: len(content) * each.place // 100], each)
    done = w.finish(total_rows=len(rows)) if sent.typed else w.finish(total_bytes=len(content))
    parts = message, _messages(sent, content, 0), done
    if refused:
        assert wire.refused(*parts).reason == refused
    else:
        wire.send(*parts)


def _break_off(wire: w.Wire, message: w.Message, sent: Sent, content: Any, each: Break) -> None:
    """Send a part without finish, from the start or from where the upload stands."""
    if each.cancelled:
        _cancel(wire, message, _messages(sent, content, 0))
        return
    begin = 0
    if not each.from_start:
        upload = wire.send(message)
        begin = upload.committed_rows if sent.typed else upload.committed_offset
    assert wire.send(message, _messages(sent, content, begin)).state == w.OPEN


def _cancel(wire: w.Wire, message: w.Message, messages: Iterator[w.Message]) -> None:
    """Go away once the upload is open, while the server is anywhere in the content."""
    epoch = f"SELECT epoch FROM uploads WHERE upload_id = '{message.open.upload_id}'"
    before = wire.query(epoch)
    stream = wire.stream().send(message, messages)
    w.until(lambda: wire.query(epoch) != before)
    stream.cancel()


def _messages(sent: Sent, content: Any, begin: int) -> Iterator[w.Message]:
    pieces = w.rows if sent.typed else w.csv
    return pieces(content, begin=begin, size=sent.size)


def _typed(rows: Sequence[Given]) -> list[w.Row]:
    return [
        w.Row(
            imei=row.imei,
            imei2=row.imei2,
            serial_number=row.serial_number,
            manufacturer=row.manufacturer,
            attributes={"site": row.site},
        )
        for row in rows
    ]


def _counts(upload: w.Upload) -> dict[str, int]:
    names = ("created", "updated", "unchanged", "rejected")
    found = {name: getattr(upload, f"{name}_count") for name in names}
    return {name: number for name, number in found.items() if number}


def _enroll(world: World, model: ModelRoll, imei: str) -> None:
    outcome = world.agent.enroll_device(imeis=[imei]).outcome
    assert (outcome is EnrollOutcome.REGISTERED) == model.enroll(imei)


def _devices(wire: w.Wire, profiles: Sequence[str]) -> list[w.Device]:
    return sorted((device for device in wire.devices() if device.profile in profiles), key=str)
