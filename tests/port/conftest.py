"""Fixtures of what strangers do to the port."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from rollbook import DeviceRow
from running import ServerProcess
from uploads.wire import imei

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(scope="module")
def victim(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    """Give a process that a whole file of attacks must not end; one device is on its roll."""
    process = ServerProcess(tmp_path_factory.mktemp("victim") / "data").start()
    with process.admin() as admin:
        profile = admin.create_profile("Depot", tokenless=True).profile_id
        admin.create_devices(profile, [DeviceRow(imei(1))])
    yield process
    assert process.terminate() == 0
    log = process.log.read_text()
    assert "Traceback" not in log
    assert "bug " not in log
