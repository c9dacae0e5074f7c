"""A server whose log is tampered with goes on, and the check of the log names it from then on."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from databases import DATABASES
from rollbook import AuditFault

if TYPE_CHECKING:
    from collections.abc import Callable

    from rollbook import AuditBreak
    from running import Server

pytestmark = pytest.mark.both_engines

DEEDS = 5


@pytest.fixture
def server(serve: Callable[..., Server]) -> Server:
    """Give a server that has told of something."""
    server = serve()
    do(server, "before")
    assert first_break(server) is None
    return server


def do(server: Server, what: str, count: int = DEEDS) -> None:
    with server.admin() as admin:
        for number in range(count):
            admin.create_profile(f"{what} {number}")


def change(server: Server, *statements: str) -> None:
    """Do what somebody does who can write to the database, but has no key file."""
    for statement in statements:
        DATABASES.change(server.data_dir, statement)


def first_break(server: Server) -> AuditBreak | None:
    with server.admin() as admin:
        return admin.verify_audit_log().first_break


def names(server: Server, sequence: int, fault: AuditFault) -> bool:
    found = first_break(server)
    return found is not None and (found.sequence, found.fault) == (sequence, fault)


THIRD = "SELECT digest FROM audit_events WHERE sequence = 3"
EMPTY = ("DELETE FROM audit_events", "DELETE FROM audit_end")
TAMPERED = {
    "no end": (("DELETE FROM audit_end",), DEEDS + 1),
    "no seal": (("UPDATE audit_end SET seal = digest",), DEEDS + 1),
    "an earlier end": (("UPDATE audit_end SET sequence = 2",), DEEDS + 1),
    "a later end": (("UPDATE audit_end SET sequence = 20",), DEEDS + 1),
    "the newest gone, and the end": (
        ("DELETE FROM audit_events WHERE sequence > 3", "DELETE FROM audit_end"),
        4,
    ),
    "the newest gone, and an end without a seal": (
        (
            "DELETE FROM audit_events WHERE sequence > 3",
            "UPDATE audit_end SET sequence = 3",
            f"UPDATE audit_end SET digest = ({THIRD})",
        ),
        4,
    ),
    "all gone": (EMPTY, 1),
    "all gone, and another end": ((EMPTY[0], "UPDATE audit_end SET sequence = 1"), 1),
}


@pytest.mark.parametrize("tampering", TAMPERED)
def test_the_first_event_missing_is_named_for_ever(
    server: Server, serve: Callable[..., Server], tampering: str, caplog: pytest.LogCaptureFixture
) -> None:
    statements, missing = TAMPERED[tampering]
    change(server, *statements)
    assert first_break(server) is not None
    do(server, "after", 2 * DEEDS)
    assert names(server, missing, AuditFault.EVENT_MISSING)
    assert "THE AUDIT LOG IS NOT AS IT WAS LEFT" in caplog.text
    assert caplog.text.count("THE AUDIT LOG") == 1
    server.stop()
    again = serve()
    do(again, "later")
    assert names(again, missing, AuditFault.EVENT_MISSING)


def test_an_older_log_is_named_by_the_server_that_ran_meanwhile(server: Server) -> None:
    change(
        server,
        "CREATE TABLE old_events AS SELECT * FROM audit_events",
        "CREATE TABLE old_end AS SELECT * FROM audit_end",
    )
    do(server, "later", 2)
    change(
        server,
        *EMPTY,
        "INSERT INTO audit_events SELECT * FROM old_events",
        "INSERT INTO audit_end SELECT * FROM old_end",
    )
    assert names(server, DEEDS + 1, AuditFault.EVENT_MISSING)
    do(server, "after", 1)
    assert names(server, DEEDS + 2, AuditFault.EVENT_MISSING)
    do(server, "afterwards", DEEDS)
    assert names(server, DEEDS + 2, AuditFault.ANCHOR_DIFFERS)


def test_a_log_that_is_emptied_before_anything_was_told_is_named(
    server: Server, serve: Callable[..., Server]
) -> None:
    server.stop()
    again = serve()
    change(again, *EMPTY)
    assert names(again, 1, AuditFault.EVENT_MISSING)
