"""A way to call with keys of every kind."""

from __future__ import annotations

from contextlib import ExitStack
from typing import TYPE_CHECKING

import pytest

from methods import Caller
from rollbook import AdminClient, Right

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from running import Server


@pytest.fixture
def caller(server: Server) -> Iterator[Caller]:
    caller = Caller(server)
    yield caller
    caller.channel.close()


@pytest.fixture
def client(server: Server) -> Iterator[Callable[[str], AdminClient]]:
    """Give a client that calls with the key of this value."""
    with ExitStack() as clients:
        yield lambda value: clients.enter_context(AdminClient(server.address, api_key=value))


@pytest.fixture
def holder(admin: AdminClient, client: Callable[[str], AdminClient]) -> Callable[..., AdminClient]:
    """Give a client that has these rights and no others."""

    def make(*rights: Right) -> AdminClient:
        return client(admin.create_api_key("Holder", rights=rights).value)

    return make
