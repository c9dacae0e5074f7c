"""Writes the contract as Markdown: one page for each .proto file, and one that leads to them."""

from __future__ import annotations

import re
from collections import defaultdict
from functools import cached_property
from typing import TYPE_CHECKING

from reference.contract import status_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from reference.contract import Contract, Enum, Field, File, Message, Method, Service

_MADE = "<!-- Made by `make reference` from proto/rollbook/v1: change the comments there. -->"
_ERRORS = "error_reason"
_INDEX_HEAD = """# The API, `rollbook.v1`

Every service, message and reason of the contract, from the comments in `proto/rollbook/v1`. How \
to call them by hand is in the [cookbook](../cookbook.md).

An API key with the right is sent as metadata `authorization: Bearer KEY`. A right in brackets is \
needed in some cases, which the RPC tells; "any key" needs no right, "no key" not even that.
"""
_REASONS_NOTE = """Beside each reason stand its status code and the RPCs that name it. Those that \
no RPC names can come from any call, those of keys and rights from any that needs a key. So can \
`REQUEST_MALFORMED`, `FIELD_INVALID`, `STORE_FULL`, `STORE_UNAVAILABLE`, `OUTCOME_UNKNOWN`, \
`SERVER_STOPPING` and `REQUEST_IDLE`.
"""
_STREAM = "stream of "
_WITHOUT_RIGHT = {True: "any key", False: "no key"}


class Pages:
    """Writes the pages of one contract."""

    def __init__(self, contract: Contract) -> None:
        self._contract = contract

    def all(self) -> dict[str, str]:
        """Give the text of every page by its file name."""
        files = {f"{file.stem}.md": self._page(file) for file in self._contract.files}
        return {"README.md": self._index(), **files}

    @cached_property
    def _homes(self) -> dict[str, str]:
        """Where a message, enum or RPC is told: page and anchor."""
        homes = {}
        for file in self._contract.files:
            methods = [method for service in file.services for method in service.methods]
            things = (file.services, methods, file.messages, file.enums)
            for name in (thing.name for kind in things for thing in kind):
                homes[name] = f"{file.stem}.md#{name.lower()}"
        return homes

    def _link(self, name: str, text: str = "") -> str:
        return f"[{text or name}]({self._homes[name]})"

    # The page that leads to the others.

    def _index(self) -> str:
        parts = [_INDEX_HEAD, *(self._service_table(s) for s in self._contract.services)]
        return "\n".join([_MADE, "", *parts, self._types()])

    def _service_table(self, service: Service) -> str:
        rows = [
            (self._link(m.name), m.kind, self._rights(m), _first_sentence(m.told))
            for m in service.methods
        ]
        table = _table(("RPC", "kind", "right", "what it does"), rows)
        return f"## {self._link(service.name)}\n\n{_first_sentence(service.comment)}\n\n{table}"

    def _rights(self, method: Method) -> str:
        first, *others = method.rights(self._contract.rights) or [_WITHOUT_RIGHT[method.asks_key]]
        either = [other for other in others if f"or {other}" in method.callers]
        besides = [f"({other})" for other in others if other not in either]
        return " ".join([" or ".join([first, *either]), *besides])

    def _types(self) -> str:
        lines = [
            f"- {name}: {', '.join(self._link(thing) for thing in things)}"
            for name, things in (
                ("Resources", self._shared("messages")),
                ("Enums", sorted(self._contract.enums)),
            )
        ]
        return "\n".join(["## Types", "", *lines, ""])

    def _shared(self, kind: str) -> list[str]:
        files = [file for file in self._contract.files if not file.services]
        return sorted(thing.name for file in files for thing in getattr(file, kind))

    # The page of a file.

    def _page(self, file: File) -> str:
        parts = [part for service in file.services for part in self._service(service)]
        parts += [self._reasons() if e.name == "ErrorReason" else self._enum(e) for e in file.enums]
        parts += [self._message(message) for message in file.messages]
        title = f"# `rollbook/v1/{file.stem}.proto`\n\n[All services](README.md)\n"
        return "\n".join([_MADE, "", title, *parts])

    def _service(self, service: Service) -> Iterator[str]:
        yield f"## {service.name}\n\n{self._prose(service.comment)}\n"
        for method in service.methods:
            yield self._method(method)

    def _method(self, method: Method) -> str:
        told = (
            f"- **Callers:** {method.callers}",
            f"- **On failure:** {self._prose(method.on_failure)}",
            f"- **Reasons:** {self._prose(method.reasons)}",
        )
        head = f"### {method.name}\n\n{self._shape(method)} ({method.kind})\n"
        return "\n".join([head, f"{self._prose(method.told)}\n", *told, ""])

    def _shape(self, method: Method) -> str:
        both = method.kind == "stream both ways"
        sent = _STREAM if both or method.kind == "client stream" else ""
        answered = _STREAM if both or method.kind == "server stream" else ""
        request, response = self._link(method.request), self._link(method.response)
        return f"{sent}{request} → {answered}{response}"

    def _message(self, message: Message) -> str:
        rows = [
            (f"`{field.name}`", str(field.number), self._type(field), self._told(field))
            for field in message.fields
        ]
        table = _table(("field", "number", "type", "what it holds"), rows) if rows else ""
        return f"## {message.name}\n\n{self._prose(message.comment)}\n\n{table}".rstrip() + "\n"

    def _type(self, field: Field) -> str:
        """Give the type with a link; angle brackets would be HTML."""
        text = field.type.replace("<", "&lt;").replace(">", "&gt;")
        ours = field.refers_to
        return re.sub(rf"\b{ours}\b", self._link(ours), text) if ours in self._homes else text

    def _told(self, field: Field) -> str:
        choice = f"One of `{field.oneof}`: " if field.oneof else ""
        return choice + self._prose(field.comment)

    def _enum(self, enum: Enum) -> str:
        rows = [(f"`{v.name}`", str(v.number), self._prose(v.comment)) for v in enum.values]
        table = _table(("value", "number", "meaning"), rows)
        return f"## {enum.name}\n\n{self._prose(enum.comment)}\n\n{table}"

    # The reasons.

    def _reasons(self) -> str:
        enum = self._contract.enums["ErrorReason"]
        named = self._naming()
        rows = [
            (
                f'<a id="{name.lower()}"></a>`{name}`',
                status_of(value),
                _without_status(value.comment),
                ", ".join(self._link(rpc) for rpc in named[name]),
            )
            for name, value in self._contract.reasons.items()
        ]
        table = _table(("reason", "status", "meaning", "named by"), rows)
        return f"## {enum.name}\n\n{enum.comment}\n\n{_REASONS_NOTE}\n{table}"

    def _naming(self) -> dict[str, list[str]]:
        """Give the RPCs that name each reason."""
        named = defaultdict(list)
        for method in self._contract.methods:
            for reason in self._contract.reasons_of(method):
                named[reason].append(method.name)
        return named

    def _prose(self, text: str) -> str:
        """Make links of the reasons and RPCs in a comment; of code, nothing."""
        return "".join(
            part if part.startswith(("`", "    ")) else self._linked(part)
            for part in re.split(r"(`[^`]*`|^    .*$)", text, flags=re.MULTILINE)
        )

    def _linked(self, text: str) -> str:
        methods = {method.name for method in self._contract.methods}

        def link(found: re.Match[str]) -> str:
            word = found[0]
            if word in self._contract.reasons and "_" in word:
                return f"[{word}]({_ERRORS}.md#{word.lower()})"
            return self._link(word) if word in methods else word

        return re.sub(r"\b\w+\b", link, text)


def _table(head: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    lines = [head, tuple("---" for _ in head), *rows]
    return "".join(f"| {' | '.join(_cell(cell) for cell in line)} |\n" for line in lines)


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")


def _first_sentence(text: str) -> str:
    return re.split(r"(?<=\.)\s", " ".join(text.split()), maxsplit=1)[0]


def _without_status(comment: str) -> str:
    return " ".join(comment.split()).rpartition(". ")[0] + "."
