"""Completion in real shells, at a real terminal, of names on a real server."""

from __future__ import annotations

import os
import shutil
import sys
from typing import TYPE_CHECKING, ClassVar

import pytest

from cli.commands import every_command
from cli.terminal import Terminal
from rollbook import Right
from rollbook.cli.exit_codes import ExitCode

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from cli.ended import Cli
    from rollbook import AdminClient
    from running import Server

    Suggested = Callable[[str], list[str]]

# How each begins with nothing of its user's, and reads its script.
SHELLS = {
    "bash": (
        ["bash", "--norc", "--noprofile", "-i"],
        "PS1='ready> '; eval \"$(rollbook completion bash)\"",
    ),
    "zsh": (["zsh", "-f", "-i"], "PS1='ready> '; eval \"$(rollbook completion zsh)\""),
    "fish": (["fish", "--no-config", "-i"], "rollbook completion fish | source"),
}
# The command, but for how long it waits for the server before it suggests nothing.
PATIENT = f"""#!{sys.executable}
import sys
from rollbook.cli import completing, main
completing._SECONDS = 3600.0
sys.exit(main())
"""


def with_command(home: Path) -> str:
    """Give a PATH on which the command is found, which waits as long as it takes."""
    command = home / "bin" / "rollbook"
    command.parent.mkdir()
    command.write_text(PATIENT)
    command.chmod(0o700)
    return f"{command.parent}{os.pathsep}{os.environ['PATH']}"


class Shell(Terminal):
    """A shell that has read its script."""

    def __init__(self, name: str, home: Path, server: Server) -> None:
        self.name = name
        program, source = SHELLS[name]
        super().__init__(
            program=program,
            kind="xterm",
            columns=160,
            HOME=str(home),
            PATH=with_command(home),
            ROLLBOOK_ADDRESS=server.address,
            ROLLBOOK_DATA_DIR=str(server.data_dir),
        )
        self.run(f"{source}; echo be''gun")
        self.wait_for(lambda screen: "\nbegun" in screen)

    def run(self, line: str) -> None:
        self.type(f"{line}\r")

    def complete(self, typed: str, becomes: str) -> None:
        """Type and press Tab; wait until the line has become what it has to."""
        self.type(f"{typed}\t")
        self.wait_for(lambda screen: becomes in f"{screen.splitlines()[-1]} ")


@pytest.fixture(params=[*SHELLS])
def shell(
    request: pytest.FixtureRequest, cli: Cli, tmp_path: Path, server: Server, admin: AdminClient
) -> Iterator[Shell]:
    """Give each shell in its turn, beside profiles whose names no shell takes as they are."""
    assert cli("profile", "list").code == ExitCode.DONE
    if shutil.which(request.param) is None:
        if os.environ.get("CI"):
            pytest.fail(f"{request.param} is not installed: .ci/run has to see to that")
        pytest.skip(f"{request.param} is not installed: apt-get install {request.param}")
    for name in ("Spring tablets", "Depot: it's North", "Depot: South"):
        admin.create_profile(name)
    admin.create_user("ada.lovelace")
    with Shell(request.param, tmp_path, server) as shell:
        yield shell


def test_commands_and_options_are_completed(shell: Shell) -> None:
    shell.complete("rollbook invent", "rollbook inventory ")
    shell.complete("--for", "--force ")
    shell.run("--help")
    shell.wait_for(lambda screen: "Usage: rollbook inventory" in screen)


def test_a_name_with_a_blank_becomes_one_word(shell: Shell) -> None:
    shell.complete("rollbook token show spr", "Spring\\ tablets ")
    shell.run("--output json")
    shell.wait_for(lambda screen: '"state": "ACTIVE"' in screen)


def test_quotes_that_were_opened_are_kept(shell: Shell) -> None:
    shell.complete('rollbook token show "Spr', '"Spring tablets"')
    shell.run(" --output json")
    shell.wait_for(lambda screen: '"state": "ACTIVE"' in screen)


def test_a_name_with_signs_of_the_shell_is_the_name(shell: Shell) -> None:
    shell.complete("rollbook profile show Depot:\\ i", "North ")
    shell.run("--output json")
    shell.wait_for(lambda screen: '"name": "Depot: it\'s North"' in screen)


def test_the_options_before_are_heeded(shell: Shell, server: Server) -> None:
    shell.run("export ROLLBOOK_ADDRESS=127.0.0.1:1")
    shell.complete(f"rollbook --address {server.address} --output=js", "--output=json ")
    shell.complete("profile assign-user Spring", "Spring\\ tablets ")
    shell.complete("ad", "ada.lovelace ")
    shell.run("")
    shell.wait_for(lambda screen: '"user_name": "ada.lovelace"' in screen)


def test_files_are_completed(shell: Shell, tmp_path: Path) -> None:
    (tmp_path / "my-devices.csv").write_text("imei\n")
    shell.run(f"cd {tmp_path}")
    shell.complete("rollbook upload Spring\\ tablets my-dev", "my-devices.csv ")


@pytest.fixture
def suggested(
    cli: Cli, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Suggested:
    """Give the words that a shell's script is given for a line; nothing else is said."""

    def suggest(line: str) -> list[str]:
        monkeypatch.setenv("_ROLLBOOK_COMPLETE", "fish_complete")
        monkeypatch.setenv("_ROLLBOOK_LINE", line)
        with pytest.raises(SystemExit):
            cli()
        out, err = capsys.readouterr()
        assert err == ""
        return [suggestion.split("\x1f")[1] for suggestion in filter(None, out.split("\n"))]

    return suggest


@pytest.mark.usefixtures("depot")
def test_names_are_found_in_any_case(suggested: Suggested) -> None:
    assert suggested("rollbook watch de") == suggested("rollbook watch ") == ["Depot"]
    assert suggested("rollbook watch epo") == []


def test_keys_that_were_revoked_are_not_suggested(suggested: Suggested, admin: AdminClient) -> None:
    for name in ("Old", "New"):
        made = admin.create_api_key(name, rights=[Right.VIEW]).api_key
        if name == "Old":
            admin.revoke_api_key(made.api_key_id)
    assert suggested("rollbook key revoke ") == ["admin.key", "New"]


@pytest.mark.usefixtures("depot")
def test_without_a_server_nothing_is_suggested_and_nothing_said(suggested: Suggested) -> None:
    for words in ("--address 127.0.0.1:1", "--address ::::", "--api-key-file /nothing"):
        assert suggested(f"rollbook {words} token show De") == [], words


def test_a_server_that_does_not_answer_is_not_waited_for(
    suggested: Suggested, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = []

    class Silent:
        def __init__(self, *_: object, timeout_seconds: float, **__: object) -> None:
            asked.append(timeout_seconds)
            raise TimeoutError

    monkeypatch.setattr("rollbook.cli.session.AdminClient", Silent)
    assert suggested("rollbook watch ") == []
    assert asked == [1.0]


class Hostile:
    """Profiles with names that no good server takes."""

    names: ClassVar = ["Sp\x1b[2J", "Spring", "Sp\nring", "Sp\u202egnir"]

    @classmethod
    def list_profiles(cls, *_: object, **__: object) -> list[object]:
        return [type("Named", (), {"name": name}) for name in cls.names]


def test_names_that_a_terminal_would_obey_are_not_suggested(
    suggested: Suggested, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("rollbook.AdminClient.list_profiles", Hostile.list_profiles)
    assert suggested("rollbook watch sp") == ["Spring"]


def test_the_script_is_told_to_programs_too(alone: Cli) -> None:
    told = alone("completion", "zsh", "--output", "json").document
    assert told == {"shell": "zsh", "script": alone("completion", "zsh").out}
    assert alone("completion", "tcsh").code == ExitCode.USAGE


def test_wherever_a_profile_is_named_its_name_is_completed() -> None:
    named = {
        (command, parameter.name): parameter._custom_shell_complete
        for command, described in every_command().items()
        for parameter in described.params
        if parameter.name in {"profile", "profiles"}
    }
    assert len(named) > 15
    assert [where for where, complete in named.items() if complete is None] == []
