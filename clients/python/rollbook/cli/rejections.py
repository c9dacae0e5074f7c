"""What was wrong with the rejected rows of an upload, in short."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from itertools import chain, islice, zip_longest
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from rollbook import AdminClient, RowError, Upload

_EXAMPLES = 3


@dataclass(frozen=True)
class Rejections:
    """How many rows each reason rejected, most first and else by name, and a few that show why."""

    counts: Mapping[str, int]
    examples: Sequence[RowError]


def rejections(client: AdminClient, upload: Upload) -> Rejections:
    """Look at every rejected row; asks the server only if the upload does not hold them all."""
    if upload.rejected_count <= len(upload.errors):
        return summarize(upload.errors)
    return summarize(client.list_upload_errors(upload.upload_id))


def summarize(errors: Iterable[RowError]) -> Rejections:
    """Count the reasons and keep the first rows of each, in little memory."""
    counts: Counter[str] = Counter()
    firsts: dict[str, list[RowError]] = {}
    for error in errors:
        counts[error.reason] += 1
        if counts[error.reason] <= _EXAMPLES:
            firsts.setdefault(error.reason, []).append(error)
    ranked = dict(sorted(counts.items(), key=lambda item: (-item[1], item[0])))
    return Rejections(ranked, _pick([firsts[reason] for reason in ranked]))


def _pick(groups: Sequence[Sequence[RowError]]) -> tuple[RowError, ...]:
    """Give the first row of every reason before a second one of any, in order of row."""
    ranks = chain.from_iterable(zip_longest(*groups))
    picked = islice((error for error in ranks if error is not None), _EXAMPLES)
    return tuple(sorted(picked, key=lambda error: error.row))
