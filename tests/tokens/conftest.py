"""Tokens of a server, and what they are worth."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tokens.sealed import COUNT

if TYPE_CHECKING:
    from running import Server


@pytest.fixture
def values(server: Server) -> dict[str, str]:
    """Give the tokens of some profiles of a server, by profile; each was made with an answer."""
    with server.admin() as admin:
        made = [admin.create_profile(f"Depot {number}") for number in range(COUNT)]
        return {each.profile_id: admin.reveal_token(each.profile_id) for each in made}
