"""`rollbook completion`: what a shell has to read to complete this command."""

from __future__ import annotations

import click

from rollbook.cli.completion_scripts import SHELLS
from rollbook.cli.output import say, show_json, show_raw, stdout_console
from rollbook.cli.session import Session, with_session

_PROGRAM, _VARIABLE = "rollbook", "_ROLLBOOK_COMPLETE"


@click.command()
@click.argument("shell", type=click.Choice([*SHELLS]))
@with_session
def completion(session: Session, shell: str) -> None:
    """Print what lets SHELL complete commands, options, files and names.

    \b
    bash, in ~/.bashrc:    eval "$(rollbook completion bash)"
    zsh, in ~/.zshrc:      eval "$(rollbook completion zsh)"
    fish, once:            rollbook completion fish \\
                             > ~/.config/fish/completions/rollbook.fish

    Names of profiles, users and API keys are asked of the server, for a second at most.
    """  # noqa: D301 - \b is for click: it leaves the lines as they are
    root = click.get_current_context().find_root().command
    script = SHELLS[shell](root, {}, _PROGRAM, _VARIABLE).source()
    if session.wants_json:
        show_json({"shell": shell, "script": script})
        return
    show_raw(script)
    if stdout_console().is_terminal:
        say(f"It is to be read by {shell}: see rollbook completion --help")
