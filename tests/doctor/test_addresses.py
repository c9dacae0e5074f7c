"""What the doctor tells of the address and of the certificate."""

from __future__ import annotations

import socket
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, suppress
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from threading import Event
from typing import TYPE_CHECKING

import pytest

from ports import where_nobody_is
from rollbook_server.doctor import metrics
from rollbook_server.doctor.certificates import covers
from rollbook_server.observing import endpoint
from rollbook_server.pulse import Feeling
from tls.authority import HERE, Authority

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from doctor.conftest import Doctor
    from running import Server

pytestmark = pytest.mark.sqlite_only

LONG_SECONDS = 3600


@pytest.fixture
def held() -> Iterator[str]:
    """Give an address that another program has."""
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        listening.listen()
        yield f"127.0.0.1:{listening.getsockname()[1]}"


@pytest.fixture
def drips() -> Iterator[str]:
    """Give an address where each header takes a moment, and Rollbook's metrics come too late."""
    listening, over = socket.create_server(("127.0.0.1", 0)), Event()

    def drip() -> None:
        with listening.accept()[0] as asker, suppress(OSError):
            asker.sendall(b"HTTP/1.0 200 OK\r\n")
            for number in range(90):
                asker.sendall(f"X-{number}: 0\r\n".encode())
                over.wait(0.1)
            asker.sendall(b"Server: Rollbook\r\n\r\n")

    with listening, ThreadPoolExecutor() as pool:
        pool.submit(drip)
        yield f"127.0.0.1:{listening.getsockname()[1]}"
        over.set()


@pytest.fixture
def free() -> Iterator[str]:
    """Give an address that nobody has."""
    with where_nobody_is() as address:
        yield address


@pytest.fixture
def tls(tmp_path: Path) -> Callable[..., tuple[str, ...]]:
    """Give a way to get options of TLS, for hosts, with a certificate that is good so long."""

    def issued(*hosts: str, **lasting: float) -> tuple[str, ...]:
        until = datetime.now(UTC) + timedelta(**lasting)
        paths = Authority().issue(*hosts, until=until).write(tmp_path, "server")
        return ("--tls-cert", str(paths["tls_cert"]), "--tls-key", str(paths["tls_key"]))

    return issued


def test_a_server_that_answers(server: Server, doctor: Doctor) -> None:
    where = ("--data-dir", server.data_dir, "--listen", server.address)
    assert doctor(*where)["address"] == ("OK", f"a server answers on {server.address}: SERVING ")
    server.app.health.tell(Feeling.ILL)
    state, told = doctor(*where)["address"]
    assert (state, "NOT_SERVING" in told) == ("WRONG", True)


def test_a_server_of_another_database(server: Server, doctor: Doctor, tmp_path: Path) -> None:
    where = ("--data-dir", tmp_path / "other", "--listen", server.address)
    state, told = doctor(*where)["address"]
    assert (state, f"another server answers on {server.address}" in told) == ("WARNING", True)


def test_one_that_asks_for_a_certificate(
    serve: Callable[..., Server], doctor: Doctor, tmp_path: Path
) -> None:
    authority = Authority()
    paths = authority.issue(*HERE).write(tmp_path, "server")
    paths["tls_client_ca"] = tmp_path / "ca.pem"
    paths["tls_client_ca"].write_bytes(authority.certificate)
    server = serve(**paths)
    options = [(f"--{name.replace('_', '-')}", path) for name, path in paths.items()]
    where = ("--data-dir", server.data_dir, "--listen", server.address)
    state, told = doctor(*where, *(each for option in options for each in option))["address"]
    assert (state, "`rollbook health --cert FILE --key FILE`" in told) == ("WARNING", True)


def test_another_program(server: Server, doctor: Doctor, held: str) -> None:
    where = ("--data-dir", server.data_dir, "--listen", held)
    assert doctor(*where)["address"][0] == "WARNING"  # the server may be it
    server.stop()
    state, told = doctor(*where)["address"]
    assert (state, "ss -ltnp" in told) == ("WRONG", True)


def test_nobody(server: Server, doctor: Doctor, free: str) -> None:
    where = ("--data-dir", server.data_dir, "--listen", free)
    state, told = doctor(*where)["address"]
    assert (state, "serves the database elsewhere" in told) == ("WARNING", True)
    server.stop()
    assert doctor(*where)["address"] == ("OK", f"{free} is free ")
    where = ("--data-dir", server.data_dir, "--listen", "127.0.0.1:0")
    assert doctor(*where)["address"][0] == "SKIPPED"


def test_metrics_that_nobody_wants(doctor: Doctor, tmp_path: Path) -> None:
    assert doctor("--data-dir", tmp_path / "none")["metrics"][0] == "OK"
    told = doctor("--data-dir", tmp_path / "none", "--metrics", "127.0.0.1:0")["metrics"]
    assert told == ("SKIPPED", "port 0 is any that is free ")


def test_metrics_that_are_told(
    serve: Callable[..., Server], doctor: Doctor, tmp_path: Path
) -> None:
    server = serve(metrics="127.0.0.1:0")
    address = server.app.observation.address
    assert address is not None
    where = ("--listen", server.address, "--metrics", address)
    told = doctor("--data-dir", server.data_dir, *where)["metrics"]
    assert told == ("OK", f"a server tells them on {address} ")
    state, text = doctor("--data-dir", tmp_path / "other", *where)["metrics"]
    assert (state, "another server tells its metrics" in text) == ("WARNING", True)


def test_metrics_where_another_program_is(
    server: Server, doctor: Doctor, held: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(metrics, "_ASK_SECONDS", 1)  # it will never answer
    where = ("--data-dir", server.data_dir, "--listen", server.address)
    state, told = doctor(*where, "--metrics", held)["metrics"]
    assert (state, "ss -ltnp" in told, f"--metrics {held}: " in told) == ("WRONG", True, True)


def test_metrics_where_another_program_answers_without_end(
    server: Server, doctor: Doctor, drips: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(metrics, "_ASK_SECONDS", 1)  # each drip comes sooner
    where = ("--data-dir", server.data_dir, "--listen", server.address)
    state, told = doctor(*where, "--metrics", drips)["metrics"]
    assert (state, "no answer of HTTP within 1 seconds" in told) == ("WRONG", True)


def test_metrics_where_another_web_server_is(server: Server, doctor: Doctor) -> None:
    with (
        HTTPServer(("127.0.0.1", 0), BaseHTTPRequestHandler) as other,
        ThreadPoolExecutor() as pool,
    ):
        asked = pool.submit(other.handle_request)
        where = ("--data-dir", server.data_dir, "--metrics", f"127.0.0.1:{other.server_port}")
        state, told = doctor(*where)["metrics"]
        asked.result()
    assert (state, "No Rollbook tells metrics there" in told) == ("WRONG", True)


def test_metrics_that_too_many_ask_for(
    serve: Callable[..., Server], doctor: Doctor, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(endpoint._Handler, "timeout", LONG_SECONDS)  # who is silent stays
    server = serve(metrics="127.0.0.1:0")
    address = server.app.observation.address
    host, _, port = address.rpartition(":")
    where = ("--listen", server.address, "--metrics", address)
    with ExitStack() as silent:
        for _ in range(8):
            silent.enter_context(socket.create_connection((host, int(port))))
        state, told = doctor("--data-dir", server.data_dir, *where)["metrics"]
        assert (state, f"a server has {address}" in told, "answers 503" in told) == (
            *("WARNING", True),
            True,
        )
        state, told = doctor("--data-dir", tmp_path / "other", *where)["metrics"]
        assert (state, "another server tells its metrics" in told) == ("WARNING", True)


def test_metrics_where_nobody_is(server: Server, doctor: Doctor, free: str) -> None:
    where = ("--data-dir", server.data_dir, "--metrics", free)
    state, told = doctor(*where)["metrics"]
    assert (state, "serves the database without it" in told) == ("WARNING", True)
    server.stop()
    assert doctor(*where)["metrics"] == ("OK", f"{free} is free ")


def test_a_server_that_speaks_tls(
    serve: Callable[..., Server], doctor: Doctor, tmp_path: Path
) -> None:
    issued = Authority().issue(*HERE)
    with_mark = issued._replace(certificate=b"\xef\xbb\xbf" + issued.certificate)
    paths = with_mark.write(tmp_path, "server")
    server = serve(**paths)
    options = ("--tls-cert", paths["tls_cert"], "--tls-key", paths["tls_key"])
    where = ("--data-dir", server.data_dir, "--listen", server.address)
    found = doctor(*where, *options)
    assert "SERVING" in found["address"][1]
    assert found["certificate"][0] == "OK"
    assert doctor(*where)["address"][0] == "WARNING"  # asked in plaintext


@pytest.mark.parametrize(
    ("days", "state", "told"),
    [(60, "OK", "days more"), (10, "WARNING", "Renew it"), (-1, "WRONG", "expired")],
)
def test_how_long_a_certificate_is_good(
    tls: Callable[..., tuple[str, ...]],
    doctor: Doctor,
    tmp_path: Path,
    days: int,
    state: str,
    told: str,
) -> None:
    found = doctor("--data-dir", tmp_path / "none", *tls("enroll.example.com", days=days))
    assert found["certificate"][0] == state
    assert told in found["certificate"][1]


def test_for_whom_a_certificate_is(
    tls: Callable[..., tuple[str, ...]], doctor: Doctor, tmp_path: Path
) -> None:
    options = ("--data-dir", tmp_path / "none", *tls("*.example.com", days=60))
    told = doctor(*options, "--public-address", "enroll.example.com:7443")["certificate"]
    assert told[0] == "OK"
    state, text = doctor(*options, "--public-address", "enroll.example.org")["certificate"]
    assert (state, "not for enroll.example.org" in text) == ("WARNING", True)


def test_a_key_of_another_certificate(
    tls: Callable[..., tuple[str, ...]], doctor: Doctor, tmp_path: Path
) -> None:
    options = tls("enroll.example.com", days=60)
    other = Authority().issue("enroll.example.com").write(tmp_path, "other")
    mixed = (*options[:3], other["tls_key"])
    state, told = doctor("--data-dir", tmp_path / "none", *mixed)["certificate"]
    assert (state, "do not belong together" in told) == ("WRONG", True)


@pytest.mark.parametrize(
    ("name", "host", "is_covered"),
    [
        ("a.example.com", "A.Example.com", True),
        ("*.example.com", "a.example.com", True),
        ("*.example.com", "example.com", False),
        ("*.example.com", "a.b.example.com", False),
        ("10.0.0.1", "10.0.0.1", True),
        ("10.0.0.1", "10.0.0.2", False),
    ],
)
def test_names(name: str, host: str, *, is_covered: bool) -> None:
    assert covers(name, host) is is_covered


@pytest.mark.parametrize(
    ("option", "name", "allowed"),
    [("--listen", "address", "--allow-plaintext"), ("--metrics", "metrics", "--metrics-public")],
)
def test_an_address_of_no_machine_is_nobody_elses(
    server: Server, doctor: Doctor, option: str, name: str, allowed: str
) -> None:
    where = ("--data-dir", server.data_dir, option, "192.0.2.1:7443", allowed)
    state, told = doctor(*where)[name]
    assert state == "WRONG"
    assert f"{option} 192.0.2.1:7443: the address cannot be used" in told
    assert "Name an address of this machine" in told
    assert "Rollbook" not in told
