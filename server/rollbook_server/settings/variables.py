"""Variables of the environment that are meant for a setting, and are misspelt.

They are told, not refused: the environment is not ours alone. Kubernetes, for one, sets
ROLLBOOK_PORT and more where a service is called so.
"""

from __future__ import annotations

from difflib import get_close_matches
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from rollbook_server.settings.declared import Setting

_OURS = "ROLLBOOK_"
_OTHERS = ("ROLLBOOK_CONFIG", "ROLLBOOK_SEALING_KEY")  # settings that are in no file
_ALIKE = 0.8  # of the names behind what all begin with, as difflib has it


def misspelt(names: Iterable[str], settings: Sequence[Setting]) -> Iterator[tuple[str, str]]:
    """Give variables that come near to one of a setting, each with that."""
    known = [*(each.variable for each in settings), *_OTHERS]
    plain = [each.removeprefix(_OURS) for each in known]
    for name in sorted(set(names).difference(known)):
        near = get_close_matches(name.removeprefix(_OURS), plain, n=1, cutoff=_ALIKE)
        if name.startswith(_OURS) and near:
            yield name, _OURS + near[0]
