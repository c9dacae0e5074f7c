"""A server that speaks TLS, and the authority that its certificate is of."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from rollbook import _channel
from tls.authority import HERE, Authority, Issued, replace

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from running import Server


@pytest.fixture(autouse=True)
def once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let gRPC try once, not five times in two seconds: many calls here must fail."""
    monkeypatch.setattr(_channel, "service_config", dict)


@pytest.fixture(scope="session")
def authority() -> Authority:
    return Authority()


@pytest.fixture(scope="session")
def stranger() -> Authority:
    """Give an authority that nobody was told to trust."""
    return Authority("a stranger")


@pytest.fixture(scope="session")
def issued(authority: Authority) -> Issued:
    """Give the certificate of a server on this machine."""
    return authority.issue(*HERE)


@pytest.fixture
def ca(authority: Authority, tmp_path: Path) -> Path:
    path = tmp_path / "ca.pem"
    replace(path, authority.certificate)
    return path


@pytest.fixture
def secure(serve: Callable[..., Server], issued: Issued, tmp_path: Path) -> Server:
    return serve(**issued.write(tmp_path, "server"))


@pytest.fixture
def mutual(serve: Callable[..., Server], issued: Issued, ca: Path, tmp_path: Path) -> Server:
    """Give a server that asks for certificates of our authority."""
    return serve(**issued.write(tmp_path, "server"), tls_client_ca=ca)
