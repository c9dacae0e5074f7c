"""How the rules of the linter look at Android's extras."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from urllib.parse import urlsplit

Extras = Mapping[str, object]
"""`system_extras` of a configuration, of the right types."""

Rule = Callable[[Extras], Iterator[str]]
"""Knows one fault; gives a sentence each time it is there: what Android does, and the cure."""


def text_of(extras: Extras, name: str) -> str:
    """Give a text, empty if it is not set: Android makes no difference between the two."""
    return str(extras.get(name) or "")


def given(extras: Extras, names: Iterable[str]) -> list[str]:
    """Give those of the names that are set; a flag that is false is."""
    return [name for name in names if extras.get(name) not in (None, "", {})]


def is_address(text: str, *schemes: str) -> bool:
    """Tell whether a text is a URL of one of the schemes, with a host and without spaces."""
    try:
        parts = urlsplit(text)
    except ValueError:
        return False
    return parts.scheme in schemes and bool(parts.hostname) and not any(map(str.isspace, text))
