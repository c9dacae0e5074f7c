"""How the command speaks with the server: TLS or plaintext, and with which certificates."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from rollbook._channel import is_loopback

if TYPE_CHECKING:
    from collections.abc import Callable

_FILE = click.Path(dir_okay=False, path_type=Path)
# What the client library calls them in its messages.
_OPTIONS = {"root_certificates": "--ca", "client_certificate": "--cert", "client_key": "--key"}


@dataclass(frozen=True)
class Connection:
    """What the options say; `plaintext` is None where the address decides."""

    ca: Path | None = None
    cert: Path | None = None
    key: Path | None = None
    server_name: str = ""
    plaintext: bool | None = None

    def speaks_plaintext(self, address: str) -> bool:
        """Tell how a client with these settings calls a complete address."""
        if self.plaintext is None:
            return not (self.ca or self.cert or self.server_name) and is_loopback(address)
        return self.plaintext

    def settings(self) -> dict[str, Any]:
        """Give what the clients of the library take."""
        if self.plaintext:  # what the environment may name beside it is not for this call
            return {"plaintext": True}
        return {
            "root_certificates": self.ca,
            "client_certificate": self.cert,
            "client_key": self.key,
            "server_name": self.server_name,
            "plaintext": self.plaintext,
        }

    def check(self) -> None:
        """Raise click.UsageError for what cannot be meant."""
        if (self.cert is None) != (self.key is None):
            raise click.UsageError("--cert and --key are given together or not at all.")


def unusable(error: ValueError) -> click.UsageError:
    """Give what to raise where the library refuses a setting, in words of the command."""
    message = str(error)
    for name, option in _OPTIONS.items():
        message = message.replace(name, option)
    return click.UsageError(message)


def connection_options(function: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command the options of a Connection."""
    for option in reversed(_CONNECTION_OPTIONS):
        function = option(function)
    return function


_CONNECTION_OPTIONS = (
    click.option(
        "--ca",
        type=_FILE,
        envvar="ROLLBOOK_CA",
        show_envvar=True,
        help="Trust servers whose certificate is of the authorities in this file (PEM), in "
        "place of the well-known ones.",
    ),
    click.option(
        "--cert",
        type=_FILE,
        envvar="ROLLBOOK_CERT",
        show_envvar=True,
        help="The certificate to show to a server that asks for one (PEM).",
    ),
    click.option(
        "--key",
        type=_FILE,
        # Not ROLLBOOK_KEY: somebody would put the API key there.
        envvar="ROLLBOOK_CERT_KEY",
        show_envvar=True,
        help="The private key of --cert (PEM).",
    ),
    click.option(
        "--server-name",
        default="",
        envvar="ROLLBOOK_SERVER_NAME",
        show_envvar=True,
        metavar="HOST",
        help="What the server's certificate is for, if that is not the host of the address.",
    ),
    click.option(
        "--plaintext/--tls",
        default=None,
        help="Speak without encryption, so that API key and tokens can be read on the way; or "
        "encrypt on this machine, too.  [default: TLS, but on this machine plaintext unless a "
        "certificate is given]",
    ),
)
