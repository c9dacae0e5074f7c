"""Calls of UserService as they stand in the contract, and what a call is refused for."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from raw_calls import unary
from rollbook import RollbookError

if TYPE_CHECKING:
    from collections.abc import Callable

    from rollbook import AdminClient


def call(admin: AdminClient, method: str, request: Any) -> Any:
    return unary(admin, getattr(admin._users, method), request)


def refused(reason: str, work: Callable[[], object]) -> RollbookError:
    with pytest.raises(RollbookError) as caught:
        work()
    assert caught.value.reason == reason, caught.value
    return caught.value
