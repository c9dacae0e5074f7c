"""Lists that may be longer than memory: shown while they come."""

from __future__ import annotations

import json
import sys
from textwrap import indent
from typing import TYPE_CHECKING, TypeVar

from rollbook import RollbookError
from rollbook._broken_off import broken_off
from rollbook.cli.output import show_raw
from rollbook.cli.plain import plain

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

T = TypeVar("T")


def watched(found: Iterable[T]) -> Iterator[T]:
    """Give what comes; a failure after the first says that it was not all."""
    begun = False
    try:
        for one in found:
            begun = True
            yield one
    except RollbookError as error:
        if begun:
            raise broken_off(error, "The list") from error
        raise


def show_json_list(found: Iterable[object]) -> None:
    """Write one JSON array to stdout, element by element.

    If it breaks off, it is left without its end: what no parser takes, nobody takes for
    the whole.
    """
    before = "[\n"
    for one in watched(found):
        document = json.dumps(plain(one), indent=2, ensure_ascii=False)
        sys.stdout.write(before + indent(document, "  "))
        before = ",\n"
    show_raw("[]\n" if before == "[\n" else "\n]\n")
