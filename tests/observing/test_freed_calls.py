"""What is kept of a call that has ended: nothing.

gRPC lets a connection have 1,024 calls under way, and takes for under way what is not
freed. A call that refers to itself would wait for a collection of garbage, which is seldom
in a server: the next one is then refused.
"""

from __future__ import annotations

import gc
from typing import TYPE_CHECKING, Any

import pytest

from rollbook import NotFoundError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rollbook import AdminClient, EnrollmentAgent
    from running import Server


@pytest.fixture
def no_collections() -> Iterator[None]:
    """Let nothing be freed but what nobody refers to."""
    gc.collect()
    gc.disable()
    yield
    gc.enable()


def contexts() -> list[Any]:
    """Give what gRPC knows calls by."""
    return [each for each in gc.get_objects() if type(each).__name__ == "_Context"]


@pytest.mark.usefixtures("no_collections")
def test_a_call_is_freed_when_it_ends(
    server: Server, admin: AdminClient, agent: EnrollmentAgent
) -> None:
    before = {id(each) for each in contexts()}
    profile = admin.create_profile("Depot")  # one answer
    assert b"".join(admin.export_devices(profile.profile_id))  # many
    agent.enroll_device(imeis=["490154203237518"])  # without a key
    with pytest.raises(NotFoundError):
        admin.get_profile("prf-1")
    with pytest.raises(NotFoundError):
        b"".join(admin.export_devices("prf-1"))
    server.stop()
    assert [each for each in contexts() if id(each) not in before] == []
