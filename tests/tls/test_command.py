"""The command over TLS: which options it takes, and what it says of a handshake that failed."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from cli.ended import Cli, Ended
from rollbook.cli.entry import run
from rollbook.cli.exit_codes import ExitCode
from running import ServerProcess
from test_grpcurl import GRPCURL, HOW_TO_GET_IT, needs_grpcurl

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from running import Server
    from tls.authority import Authority, Issued

SETTINGS = ("ADDRESS", "API_KEY", "API_KEY_FILE", "CA", "CERT", "CERT_KEY", "SERVER_NAME")


@pytest.fixture
def command(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> Cli:
    """Give the command on the machine of a server, whose key it finds there."""
    for name in SETTINGS:
        monkeypatch.delenv(f"ROLLBOOK_{name}", raising=False)
    monkeypatch.setenv("ROLLBOOK_DATA_DIR", str(tmp_path / "data"))

    def call(server: Server, *arguments: object) -> Ended:
        code = run(["--address", server.address, *map(str, arguments)])
        return Ended(code, *capsys.readouterr())

    return call


@pytest.fixture
def shown(authority: Authority, tmp_path: Path) -> tuple[str, ...]:
    """Give the options that show a certificate of our authority."""
    paths = authority.issue("operator").write(tmp_path, "operator")
    return ("--cert", str(paths["tls_cert"]), "--key", str(paths["tls_key"]))


def told(ended: Ended) -> str:
    """Give what is said of a server that cannot be reached."""
    assert ended.code == ExitCode.UNREACHABLE, ended.err
    assert ended.err.startswith("Error: cannot connect to ")
    return ended.err


def test_the_authority_comes_from_option_or_environment(
    command: Cli, secure: Server, ca: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert command(secure, "--ca", ca, "profile", "create", "Depot").code == ExitCode.DONE
    monkeypatch.setenv("ROLLBOOK_CA", str(ca))
    ended = command(secure, "profile", "list", "--output", "json")
    assert [each["name"] for each in ended.document] == ["Depot"]


def test_suggested_commands_repeat_how_the_server_was_called(
    command: Cli, secure: Server, ca: Path
) -> None:
    options = ("--ca", str(ca), "--server-name", "localhost", "--tls")
    made = command(secure, *options, "profile", "create", "Depot")
    assert f"rollbook --address {secure.address} {' '.join(options)} upload" in made.err


def test_a_client_certificate_comes_from_options_or_environment(
    command: Cli,
    mutual: Server,
    ca: Path,
    shown: tuple[str, ...],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("ROLLBOOK_CA", str(ca))
    assert "--cert FILE --key FILE" in told(command(mutual, "profile", "list"))
    assert command(mutual, *shown, "profile", "list").code == ExitCode.DONE
    monkeypatch.setenv("ROLLBOOK_CERT", shown[1])
    monkeypatch.setenv("ROLLBOOK_CERT_KEY", shown[3])
    assert command(mutual, "profile", "list").code == ExitCode.DONE


def test_each_failed_handshake_is_told_with_what_to_do(
    command: Cli, secure: Server, ca: Path, stranger: Authority, tmp_path: Path
) -> None:
    other = tmp_path / "other.pem"
    other.write_bytes(stranger.certificate)
    assert "--ca FILE" in told(command(secure, "profile", "list"))  # in plaintext
    assert "issued the server's certificate: --ca" in told(command(secure, "--tls", "user", "list"))
    assert "not known here" in told(command(secure, "--ca", other, "user", "list"))
    named = command(secure, "--ca", ca, "--server-name", "a.test", "user", "list")
    assert "--server-name HOST" in told(named)


def test_a_server_in_plaintext_is_called_so_only_if_asked_to(
    command: Cli, server: Server, ca: Path
) -> None:
    assert "called with --plaintext" in told(command(server, "--ca", ca, "profile", "list"))
    assert command(server, "--plaintext", "profile", "list").code == ExitCode.DONE


def test_nothing_goes_in_plaintext_to_another_machine_unasked(
    command: Cli, monkeypatch: pytest.MonkeyPatch, server: Server
) -> None:
    """A name of this machine that is no loopback stands for another one."""
    monkeypatch.setenv("ROLLBOOK_API_KEY", server.api_key)
    server.app.stop()
    server.address = f"127.0.0.1.:{server.address.rpartition(':')[2]}"
    ended = command(server, "profile", "list", "--output", "json")
    assert "(TLS)" in ended.error["message"]


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--cert", "FILE"), "--cert and --key are given together"),
        (("--ca", "FILE"), "--ca holds no certificate in PEM: "),
        (("--cert", "FILE", "--key", "FILE"), "--cert holds no certificate in PEM: "),
    ],
)
def test_options_that_cannot_be_meant_are_mistakes_of_usage(
    command: Cli, server: Server, tmp_path: Path, options: tuple[str, ...], said: str
) -> None:
    empty = tmp_path / "empty"
    empty.touch()
    typed = [str(empty) if word == "FILE" else word for word in options]
    ended = command(server, *typed, "profile", "list")
    assert ended.code == ExitCode.USAGE
    assert said in ended.err


def test_a_file_that_is_not_there_is_named(command: Cli, server: Server, tmp_path: Path) -> None:
    ended = command(server, "--ca", tmp_path / "missing", "profile", "list")
    assert ended.code == ExitCode.REFUSED
    assert f"{tmp_path / 'missing'}: No such file" in ended.err


@pytest.fixture
def process(issued: Issued, tmp_path: Path) -> Iterator[ServerProcess]:
    paths = issued.write(tmp_path, "server")
    options = ("--tls-cert", str(paths["tls_cert"]), "--tls-key", str(paths["tls_key"]))
    process = ServerProcess(tmp_path / "data", *options).start()
    yield process
    process.kill()


def test_a_process_serves_tls_and_the_command_says_nothing_of_its_own_library(
    process: ServerProcess, ca: Path
) -> None:
    rollbook = [sys.executable, "-c", "import sys; from rollbook.cli import main; sys.exit(main())"]
    key = ["--api-key-file", str(process.data_dir / "admin.key"), "--address", process.address]

    def call(*options: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [*rollbook, *key, *options, "--output", "json", "profile", "list"],
            capture_output=True,
            text=True,
            check=False,
        )

    assert json.loads(call("--ca", str(ca)).stdout) == []
    refused = call("--tls")
    assert json.loads(refused.stderr)["error"]["code"] == "UNAVAILABLE"
    assert process.terminate() == 0
    assert "Handshake" not in process.log.read_text()


@needs_grpcurl
def test_grpcurl_speaks_tls_with_it(
    serve: Callable[..., Server], issued: Issued, ca: Path, shown: tuple[str, ...], tmp_path: Path
) -> None:
    assert GRPCURL is not None, HOW_TO_GET_IT
    server = serve(**issued.write(tmp_path, "server"), tls_client_ca=ca)

    def check(*options: str) -> subprocess.CompletedProcess[str]:
        head = [GRPCURL, "-cacert", str(ca), "-H", f"authorization: Bearer {server.api_key}"]
        asked = [server.address, "list"]
        return subprocess.run(
            [*head, *options, *asked], capture_output=True, text=True, check=False
        )

    assert "rollbook.v1.ProfileService" in check("-cert", shown[1], "-key", shown[3]).stdout
    assert check("-connect-timeout", "1").returncode != 0
