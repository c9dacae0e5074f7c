"""Commands on a page, each with the answer that stands below it."""

from __future__ import annotations

import re
from typing import NamedTuple

# What differs from run to run, and what stands for it.
MASKS = (
    (r"\b(prf|tok|usr|key)-[0-9a-z]{16}\b", r"\1-ID"),
    (r"\b\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z", "TIME"),
    (r"\b([0-9A-Z]{5}-){5}[0-9A-Z]{5}\b", "TOKEN"),
    (r"\b[0-9A-Z]{2}\*{3}", "TOKEN"),
    (r"\brbk_[\w-]{43}", "API_KEY"),
    (r'"key_id": "[0-9a-f]{8}"', '"key_id": "ID"'),
    (r'digest": "[\w+/]{43}="', 'digest": "DIGEST"'),
    # Which events there are is told elsewhere; this page should not break with one more.
    (r'(sequence|checked_count)": "\d+"', r'\1": "NUMBER"'),
    (r'"next_page_token": "[\w-]+"', '"next_page_token": "PAGE"'),
)
LEFT_OUT = "..."


class Recipe(NamedTuple):
    """What is typed, and what it shows."""

    commands: str
    answer: str

    @property
    def fails(self) -> bool:
        """Whether the page says that the last command fails."""
        return self.answer.startswith("ERROR:")

    def is_answered_by(self, shown: str) -> bool:
        """Tell whether that is what the page shows, but for what differs from run to run.

        `...` stands for any lines, and in a line for any text.
        """
        return re.fullmatch(_pattern(_masked(self.answer)), _masked(shown)) is not None


def recipes(page: str) -> list[Recipe]:
    """Give the recipes of a page: blocks `sh`, of which the next block, `text`, is the answer."""
    blocks = re.findall(r"^```(sh|text)\n(.*?)^```$", page, re.MULTILINE | re.DOTALL)
    following = [*blocks[1:], ("sh", "")]
    return [
        Recipe(text, after if next_kind == "text" else "")
        for (kind, text), (next_kind, after) in zip(blocks, following, strict=True)
        if kind == "sh"
    ]


def sessions(page: str) -> list[list[Recipe]]:
    """Give the blocks `console` of a page, each as its lines led by `$` and what they show."""
    blocks = re.findall(r"^```console\n(.*?)^```$", page, re.MULTILINE | re.DOTALL)
    return [
        [
            Recipe(*re.findall(r"\A(.*)\n((?:.*\n)*)", one)[0])
            for one in re.split(r"^\$ ", block, flags=re.MULTILINE)[1:]
        ]
        for block in blocks
    ]


def _masked(text: str) -> str:
    for pattern, mask in MASKS:
        text = re.sub(pattern, mask, text)
    return text.replace("\r\n", "\n").removeprefix("\ufeff").strip("\n") + "\n"


def _pattern(answer: str) -> str:
    lines = []
    for line in answer.splitlines():
        if line.strip() == LEFT_OUT:
            lines.append("(?:.*\n)*?")
        else:
            lines.append(".*".join(map(re.escape, line.split(LEFT_OUT))) + "\n")
    return "".join(lines)
