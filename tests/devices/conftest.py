"""A profile to put devices into, and the wire."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from devices.calls import Wire

if TYPE_CHECKING:
    from rollbook import AdminClient


@pytest.fixture
def wire(admin: AdminClient) -> Wire:
    return Wire(admin)


@pytest.fixture
def depot(admin: AdminClient) -> str:
    """Give the id of a profile."""
    return admin.create_profile("Depot").profile_id
