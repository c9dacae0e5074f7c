"""Short turns of threads while something streams, and at no other time."""

from __future__ import annotations

import sys
import threading
from typing import TYPE_CHECKING, Any

import pytest

from rollbook_server.domain import inventory
from rollbook_server.tuning import LONG_TURN, SHORT_TURN, ShortTurns
from uploads.wire import Wire, csv, imei, opening, until

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rollbook import AdminClient
    from running import Server


def are_short() -> bool:
    return sys.getswitchinterval() == pytest.approx(SHORT_TURN)


def are_long() -> bool:
    return sys.getswitchinterval() == pytest.approx(LONG_TURN)


def test_turns_are_short_until_nobody_wants_it_any_more() -> None:
    turns = ShortTurns()
    with turns:
        with turns:
            assert are_short()
        assert are_short()
    assert are_long()


def test_turns_are_long_again_however_many_threads_came_and_went() -> None:
    turns = ShortTurns()

    def come_and_go() -> None:
        for _ in range(200):
            with turns:
                assert are_short()

    threads = [threading.Thread(target=come_and_go) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert are_long()


def test_an_upload_has_short_turns_to_its_end(server: Server, admin: AdminClient) -> None:
    profile = admin.create_profile("Depot").profile_id
    with Wire(server) as wire:
        stream = wire.stream().send(opening(profile), csv(f"IMEI\n{imei(1)}\n"))
        until(are_short)
        stream.end()
    until(are_long)


def test_an_inventory_has_short_turns_to_its_end(
    admin: AdminClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    profile, export, were_short = admin.create_profile("Depot").profile_id, inventory.export, []

    def seen(*arguments: Any) -> Iterator[bytes]:
        were_short.append(are_short())
        yield from export(*arguments)

    monkeypatch.setattr(inventory, "export", seen)
    assert list(admin.export_devices(profile))
    assert were_short == [True]
    until(are_long)
