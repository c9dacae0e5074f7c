"""A profile to take things from, with what is left behind swept up or not."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from rollbook_server.domain import leftovers as swept

if TYPE_CHECKING:
    from rollbook import AdminClient, Profile


@pytest.fixture
def profile(admin: AdminClient) -> Profile:
    return admin.create_profile("Depot", tokenless=True)


@pytest.fixture(params=["swept up", "left behind"])
def leftovers(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let leftovers be swept up, or lie in the database for ever: nobody may tell the two."""
    if request.param == "left behind":
        monkeypatch.setattr(swept, "sweep", lambda *_, **__: None)
