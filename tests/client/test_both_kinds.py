"""Methods are written once: what that means for those who use them, look at them or mock them."""

from __future__ import annotations

import asyncio
import inspect
from typing import TYPE_CHECKING
from unittest.mock import create_autospec

import pytest

from rollbook import AdminClient, AsyncAdminClient, AsyncEnrollmentAgent, EnrollmentAgent
from rollbook._dual import finished
from rollbook.v1 import profile_pb2

if TYPE_CHECKING:
    from client.fake_server import FakeRollbook, Running

KINDS = [(AdminClient, AsyncAdminClient), (EnrollmentAgent, AsyncEnrollmentAgent)]


def methods(kind: type) -> dict[str, inspect.Signature]:
    found = inspect.getmembers(kind, inspect.isfunction)
    return {name: inspect.signature(function) for name, function in found if name[0] != "_"}


@pytest.mark.parametrize(("blocking", "asynchronous"), KINDS)
def test_both_take_the_same_arguments(blocking: type, asynchronous: type) -> None:
    ours, theirs = methods(blocking), methods(asynchronous)
    assert ours.keys() == theirs.keys()
    for name in ours.keys() - {"upload_rows"}:
        assert ours[name].parameters == theirs[name].parameters, name
    constructors = (inspect.signature(blocking), inspect.signature(asynchronous))
    assert constructors[0] == constructors[1]


def test_rows_are_uploaded_with_the_same_options() -> None:
    ours, theirs = methods(AdminClient)["upload_rows"], methods(AsyncAdminClient)["upload_rows"]
    for name in ours.parameters.keys() - {"rows"}:
        assert ours.parameters[name] == theirs.parameters[name]
    assert ours.parameters.keys() == theirs.parameters.keys()


def test_a_mock_of_either_is_called_as_the_client_is() -> None:
    admin = create_autospec(AdminClient, instance=True)
    admin.get_profile("p1")
    with pytest.raises(TypeError):
        admin.get_profile(profil_id="p1")
    asynchronous = create_autospec(AsyncAdminClient, instance=True)
    asynchronous.get_profile.return_value = "Depot"
    assert asyncio.run(asynchronous.get_profile("p1")) == "Depot"


def test_what_blocks_works_inside_an_event_loop_too(running: Running, fake: FakeRollbook) -> None:
    """As in a notebook, whose cells run in one."""
    fake.profiles = [profile_pb2.Profile(profile_id=str(number)) for number in range(5)]

    async def cell() -> list[str]:
        with AdminClient(running.address, api_key="key") as admin:
            next(admin.list_profiles())
            return [profile.profile_id for profile in admin.list_profiles()]

    assert asyncio.run(cell()) == ["0", "1", "2", "3", "4"]


def test_a_closed_client_says_so(client: AdminClient) -> None:
    client.get_profile("p1")
    client.close()
    with pytest.raises(ValueError, match="this client is closed: make another one"):
        client.get_profile("p1")


def test_so_does_a_list_of_which_pages_are_missing(client: AdminClient, fake: FakeRollbook) -> None:
    fake.profiles = [profile_pb2.Profile(profile_id=str(number)) for number in range(5)]
    profiles = client.list_profiles()
    assert next(profiles).profile_id == "0"
    client.close()
    with pytest.raises(ValueError, match="this client is closed: make another one"):
        list(profiles)


def test_a_subclass_may_add_to_what_a_method_does(running: Running) -> None:
    class Loud(AdminClient):
        def reveal_token(self, profile_id: str) -> str:
            return super().reveal_token(profile_id) + "!"

    with Loud(running.address, api_key="key") as admin:
        assert admin.reveal_token("p1") == "AAAA-BBBB!"


def test_what_blocks_cannot_be_made_to_wait_for_a_loop() -> None:
    with pytest.raises(RuntimeError, match="made to wait for an event loop"):
        finished(asyncio.sleep(0))
