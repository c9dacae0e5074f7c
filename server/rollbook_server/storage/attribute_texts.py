"""The attributes of many rows as JSON, the form in which a device keeps them."""

from __future__ import annotations

import json
from functools import partial
from itertools import chain
from json.encoder import encode_basestring
from typing import TYPE_CHECKING

from rollbook_server.domain.row_blocks import AttributeColumns

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from rollbook_server.domain.row_blocks import RowBlock

_CUT = "\0"  # JSON holds none

_dumped = partial(json.dumps, ensure_ascii=False, separators=(",", ":"))


def attribute_text(attributes: Mapping[str, str]) -> str:
    """Give the attributes of one device; the same text as `texts` gives of its row."""
    return _dumped(dict(attributes))


def texts(attributes: Sequence[Mapping[str, str]]) -> Sequence[str]:
    """Give the attributes of each row."""
    if not isinstance(attributes, AttributeColumns):
        return list(map(attribute_text, attributes))
    if not attributes.columns:
        return ["{}"] * len(attributes)
    columns, names = attributes.columns, list(map(encode_basestring, attributes.names))
    if any("" in column for column in columns):
        return _texts_with_gaps(columns, names)
    return _texts_without_gaps(columns, names)


def _texts_without_gaps(columns: Sequence[Sequence[str]], names: Sequence[str]) -> Sequence[str]:
    """Give the JSON of rows in which every cell is filled: one text, cut at the end of each.

    Half the time of a text for every row.
    """
    encoded, quotes = zip(*map(_encoded, columns), strict=True)
    openings = [f"{name}:{quote}" for name, quote in zip(names, quotes, strict=True)]
    closings = [f"{quote}," for quote in quotes[:-1]]
    first, last = f"{{{openings[0]}", f"{quotes[-1]}}}"
    before = [f"{last}{_CUT}{first}", *map(str.__add__, closings, openings[1:])]
    parts = [part for each in before for part in (each, "")] * len(columns[0])
    for index, cells in enumerate(encoded):
        parts[2 * index + 1 :: 2 * len(before)] = cells
    return ("".join([first, *parts[1:]]) + last).split(_CUT)


def _encoded(column: Sequence[str]) -> tuple[Sequence[str], str]:
    """Give cells and what is to stand around them: most need nothing but quotes."""
    joined = "".join(column)
    if joined.isprintable() and '"' not in joined and "\\" not in joined:
        return column, '"'
    return list(map(encode_basestring, column)), ""


def _texts_with_gaps(columns: Sequence[Sequence[str]], names: Sequence[str]) -> Sequence[str]:
    """Give the JSON of rows in which cells are empty: these are no attributes."""
    members = [
        [f"{name}:{encode_basestring(cell)}" if cell else "" for cell in column]
        for name, column in zip(names, columns, strict=True)
    ]
    return [f"{{{','.join(filter(None, row))}}}" for row in zip(*members, strict=True)]


def attribute_names(
    attributes: Iterable[Mapping[str, str]], columns: Sequence[str] = ()
) -> list[str]:
    """Give the names that stand in some attributes: in the order of columns, then as they come."""
    seen = dict.fromkeys(chain.from_iterable(attributes))
    return list(dict.fromkeys([*(name for name in columns if name in seen), *seen]))


def names_in(blocks: Iterable[RowBlock], columns: Sequence[str]) -> list[str]:
    """Give the same of whole blocks."""
    return attribute_names((_names_of(block.attributes) for block in blocks), columns)


def _names_of(attributes: Sequence[Mapping[str, str]]) -> Mapping[str, str]:
    """Give, as the keys of a mapping, the names of which a row has an attribute."""
    if isinstance(attributes, AttributeColumns):
        pairs = zip(attributes.names, attributes.columns, strict=True)
        return {name: name for name, column in pairs if any(column)}
    return {name: name for each in attributes for name in each}
