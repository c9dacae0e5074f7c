"""The settings as they stand, in the form of a file that gives the same server again.

Passwords are left out, and it is said that they are.
"""

from __future__ import annotations

import re
from pathlib import Path
from textwrap import wrap
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, urlencode, urlsplit

from rollbook_server.settings.toml_values import as_toml

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from urllib.parse import SplitResult

    from rollbook_server.settings.declared import Setting

_WIDTH = 96
_HEAD = (
    "What `rollbook serve` is set to. Saved in a file, it gives the same server: rollbook serve "
    "--config FILE"
)
_WITHHELD = "is not printed: there is a password in it. Add the line, or set {0.variable}."
_LEFT_OUT = "The password is left out: give it in PGPASSFILE, or the whole in {0.variable}."
_NOT_UTF8 = "is not printed: it is not UTF-8, as TOML has to be. Set {0.variable}."
# What is a secret in the query of a URL; postgresql.org/docs/current/libpq-connect.html
_SECRET_PARAMETERS = frozenset(
    {"password", "sslpassword", "oauth_client_secret", "scram_client_key", "scram_server_key"}
)
# Who asks whom, without a password: what does not look like it may hide one anywhere.
_HOST = r"(\[[^]@/]*\]|[^@:/,[\]]*)(:\d*)?"
_PLACE = re.compile(rf"([^:@/]*@)?{_HOST}(,{_HOST})*")


def as_file(
    settings: Iterable[Setting], configuration: object, source: Callable[[Setting], str]
) -> Iterator[str]:
    """Give the lines; `source` tells where a setting was found, if it was."""
    yield from _comment(_HEAD)
    for each in settings:
        yield ""
        yield from _comment(each.told.text)
        yield from _lines(each, each.of(configuration), source(each))


def as_document(
    settings: Iterable[Setting], configuration: object, source: Callable[[Setting], str]
) -> dict[str, dict[str, Any]]:
    """Give the same for a program: a value, null if it is not shown, and its source, by name."""
    document = {}
    for each in settings:
        value, note = printable(each, each.of(configuration))
        shown = str(value) if isinstance(value, Path) else value
        document[each.name] = {"value": shown, "source": source(each), "note": note}
    return document


def _lines(setting: Setting, value: Any, source: str) -> Iterator[str]:
    if value is None or value == "":
        default = setting.told.default
        yield from _comment(f"{setting.name} is not set{default and f': {default}'}.")
        return
    shown, note = printable(setting, value)
    if note:
        yield from _comment(f"{setting.name}: {note}")
    if shown is not None:
        yield f"{setting.name} = {as_toml(shown)}  # {source or 'by default'}"


def printable(setting: Setting, value: Any) -> tuple[Any, str]:
    """Give what may be shown of a value, None if nothing, and what to say about it."""
    if setting.told.secret and value:
        shown = without_password(str(value))
        if shown is None:
            return None, _WITHHELD.format(setting)
        return shown, _LEFT_OUT.format(setting) if shown != value else ""
    if isinstance(value, str | Path) and not _is_text(str(value)):
        return None, _NOT_UTF8.format(setting)
    return value, ""


def without_password(url: str) -> str | None:
    """Give the URL of a database without its password; None if that cannot be told apart."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return None
    if not _is_text(url):
        return None
    return url if parts.scheme == "sqlite" else _without_password(parts)


def _without_password(parts: SplitResult) -> str | None:
    user, at, hosts = parts.netloc.rpartition("@")
    place = f"{user.partition(':')[0]}{at}{hosts}"
    asked = parse_qsl(parts.query, keep_blank_values=True)
    kept = [pair for pair in asked if pair[0].lower() not in _SECRET_PARAMETERS]
    if not _PLACE.fullmatch(place) or "@" in parts.path + parts.query or parts.fragment:
        return None
    query = parts.query if kept == asked else urlencode(kept)
    return parts._replace(netloc=place, query=query).geturl()


def _is_text(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _comment(text: str) -> Iterator[str]:
    yield from (f"# {line}" for line in wrap(text, _WIDTH, break_long_words=False))
