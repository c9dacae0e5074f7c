"""Names that the server knows, for shells that complete a command line.

Whatever goes wrong, nothing is suggested and nothing is said: somebody is typing.
"""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING

from click.core import ParameterSource

from rollbook.cli.connections import Connection
from rollbook.cli.output import clean
from rollbook.cli.session import DEFAULT_ADDRESS, KEY_FILE_OPTION, Session

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    import click

    from rollbook import AdminClient

    Complete = Callable[[click.Context, click.Parameter, str], list[str]]

# Longer nobody waits for a suggestion.
_SECONDS = 1.0
_MOST = 1000


def _suggest(fetch: Callable[[AdminClient, str], Iterable[str]]) -> Complete:
    """Give what click calls to complete a word by names that begin so, in any case."""

    def complete(ctx: click.Context, _parameter: click.Parameter, begun: str) -> list[str]:
        try:
            with _session(ctx).admin(timeout_seconds=_SECONDS) as client:
                names = list(islice(fetch(client, begun.strip()), _MOST))
        except Exception:  # noqa: BLE001 - see above
            return []
        start = begun.casefold()
        return [name for name in names if name.casefold().startswith(start) and clean(name) == name]

    return complete


def _session(ctx: click.Context) -> Session:
    """Give the session that the options before the cursor ask for."""
    top = ctx.find_root()
    given, session = top.params, top.ensure_object(Session)
    session.address = given.get("address") or DEFAULT_ADDRESS
    session.api_key_file = given.get("api_key_file")
    if top.get_parameter_source("api_key_file") is ParameterSource.COMMANDLINE:
        session.typed = (KEY_FILE_OPTION,)
    session.connection = Connection(
        given.get("ca"),
        given.get("cert"),
        given.get("key"),
        given.get("server_name") or "",
        given.get("plaintext"),
    )
    return session


def _profiles(client: AdminClient, begun: str) -> Iterable[str]:
    listed = client.list_profiles(name_contains=begun, page_size=_MOST)
    return (profile.name for profile in listed)


def _users(client: AdminClient, begun: str) -> Iterable[str]:
    return (user.user_name for user in client.list_users(name_contains=begun, page_size=_MOST))


def _keys(client: AdminClient, _begun: str) -> Iterable[str]:
    keys = client.list_api_keys(page_size=_MOST)
    return (key.display_name for key in keys if key.revoke_time is None)


profile_names = _suggest(_profiles)
user_names = _suggest(_users)
key_names = _suggest(_keys)
