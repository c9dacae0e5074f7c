"""Where metrics are told, whom, and how often."""

from __future__ import annotations

import socket
from typing import TYPE_CHECKING, Any
from urllib.error import HTTPError
from urllib.request import urlopen

import pytest

from rollbook_server import settings_check
from rollbook_server.config import Config, ConfigError
from rollbook_server.observing.states import StateCollector

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from observing.conftest import Told
    from running import Server

    Ask = Callable[[Server], Told]


def test_nothing_but_metrics_is_there(server: Server) -> None:
    address = server.app.observation.address
    with pytest.raises(HTTPError, match="404") as caught:
        urlopen(f"http://{address}/", timeout=30)
    with caught.value as answer:
        assert b"/metrics" in answer.read()
        assert answer.headers["Server"] == "Rollbook"


def test_what_cannot_be_gathered_is_told_in_the_log_alone(
    server: Server, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(_: object) -> None:
        raise ValueError("broken")

    monkeypatch.setattr(StateCollector, "collect", fail)
    with pytest.raises(HTTPError, match="500") as caught:
        urlopen(f"http://{server.app.observation.address}/metrics", timeout=30)
    with caught.value as answer:
        assert answer.read() == b"The server's log tells why not.\n"
        assert answer.headers["Server"] == "Rollbook"
    assert "metrics could not be gathered" in caplog.text


def test_who_asks_and_says_nothing_keeps_nobody_out_for_good(server: Server, ask: Ask) -> None:
    host, _, port = server.app.observation.address.rpartition(":")
    silent = [socket.create_connection((host, int(port))) for _ in range(20)]
    turned_away = silent[-1]
    turned_away.settimeout(30)
    with turned_away.makefile("rb") as answer:  # to its end: the server hangs up
        assert answer.read().startswith(b"HTTP/1.0 503 Service Unavailable\r\nServer: Rollbook\r\n")
    for each in silent:
        each.close()
    while few_places_are_free(server):
        pass  # until it learns that they are gone
    assert ask(server).sum("rollbook_serving") == 1


def few_places_are_free(server: Server) -> bool:
    endpoint = server.app.observation._endpoint
    assert endpoint is not None
    places: Any = endpoint._server._places
    return bool(places._value < 2)


@pytest.mark.parametrize("address", ["0.0.0.0:9464", "[::]:9464", "192.0.2.1:9464"])
def test_other_machines_are_told_only_if_it_is_meant(tmp_path: Path, address: str) -> None:
    with pytest.raises(ConfigError, match="--metrics-public"):
        settings_check.check(Config(tmp_path, metrics=address))
    settings_check.check(Config(tmp_path, metrics=address, metrics_public=True))


@pytest.mark.parametrize("address", ["9464", "localhost", "127.0.0.1:http", "127.0.0.1:99999"])
def test_what_is_no_address_is_refused(tmp_path: Path, address: str) -> None:
    with pytest.raises(ConfigError, match=f"--metrics {address}"):
        settings_check.check(Config(tmp_path, metrics=address))


def test_an_address_that_another_program_has_is_refused(serve: Callable[..., Server]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        address = f"127.0.0.1:{other.getsockname()[1]}"
        with pytest.raises(ConfigError, match=f"--metrics {address}: the address cannot be used"):
            serve(metrics=address)
