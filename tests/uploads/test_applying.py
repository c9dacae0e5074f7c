"""Uploads that may change devices: nothing changes before the end, and all of it then."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from rollbook_server.domain import settling
from rollbook_server.domain.endings import Ending
from rollbook_server.domain.errors import Reason, RollbookError
from uploads.wire import (
    FINISHED,
    MOVE,
    OPEN,
    UPDATE,
    Wire,
    csv,
    file,
    finish,
    imei,
    opening,
    until,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rollbook import AdminClient
    from running import Server

HEADER = "imei,site\n"
OLD = HEADER + "".join(f"{imei(number)},old\n" for number in (1, 2, 3))
NEW = HEADER + "".join(f"{imei(number)},new\n" for number in (1, 2, 4, 1))


@pytest.fixture
def wire(server: Server) -> Iterator[Wire]:
    with Wire(server) as wire:
        yield wire


@pytest.fixture
def profile(admin: AdminClient, wire: Wire) -> str:
    profile = admin.create_profile("Depot").profile_id
    wire.send(opening(profile, "old"), file(OLD))
    return profile


@pytest.fixture
def interrupted(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Let every row be a piece, and the store fail at the second one, once."""
    write, calls = settling.write_and_remember, [0]

    def break_once(*arguments: Any) -> settling.Settlement:
        calls[0] += 1
        if calls[0] == 2:
            raise RollbookError(Reason.STORE_UNAVAILABLE, "The disk was away.")
        return write(*arguments)

    monkeypatch.setattr(Ending, "piece_rows", lambda _: 1)
    monkeypatch.setattr(settling, "write_and_remember", break_once)
    yield
    assert calls[0] > 2, "the pieces after the break were never written"


def sites(wire: Wire) -> dict[str, str]:
    return {device.imei: device.attributes.get("site", "") for device in wire.devices()}


@pytest.mark.parametrize("policy", [UPDATE, MOVE])
def test_no_device_changes_before_the_upload_is_finished(
    wire: Wire, profile: str, policy: int
) -> None:
    before = wire.devices()
    stream = wire.stream().send(opening(profile, on_conflict=policy), csv(NEW))
    until(lambda: bool(wire.query("SELECT 1 FROM uploads WHERE upload_id = 'u'")))
    assert stream.end().state == OPEN
    assert wire.upload().committed_rows == 4
    assert wire.devices() == before
    done = wire.send(opening(profile, on_conflict=policy), finish(total_bytes=len(NEW)))
    assert (done.state, done.created_count, done.updated_count) == (FINISHED, 1, 2)
    assert [(error.row, error.reason) for error in done.errors] == [(4, "DUPLICATE_IN_FILE")]
    assert sorted(sites(wire).values()) == ["new", "new", "new", "old"]


@pytest.mark.usefixtures("interrupted")
def test_who_finishes_again_goes_on_with_the_rest(wire: Wire, profile: str) -> None:
    refused = wire.refused(opening(profile, on_conflict=UPDATE), file(NEW))
    assert refused.reason == "STORE_UNAVAILABLE"
    left = wire.upload()
    assert (left.state, left.updated_count) == (OPEN, 1)
    done = wire.send(opening(profile, on_conflict=UPDATE), file(NEW))
    assert (done.state, done.created_count, done.updated_count) == (FINISHED, 1, 2)
    assert [(error.row, error.reason) for error in done.errors] == [(4, "DUPLICATE_IN_FILE")]
    assert sorted(sites(wire).values()) == ["new", "new", "new", "old"]


@pytest.mark.usefixtures("interrupted")
def test_an_upload_does_not_grow_once_its_rows_are_being_put_on_the_roll(
    wire: Wire, profile: str
) -> None:
    wire.refused(opening(profile, on_conflict=UPDATE), file(NEW))
    longer = NEW + f"{imei(5)},new\n"
    refused = wire.refused(opening(profile, on_conflict=UPDATE), file(longer))
    assert (refused.code, refused.reason) == ("FAILED_PRECONDITION", "UPLOAD_SOURCE_CHANGED")
    done = wire.send(opening(profile, on_conflict=UPDATE), file(NEW))
    assert (done.state, done.created_count, done.updated_count) == (FINISHED, 1, 2)
