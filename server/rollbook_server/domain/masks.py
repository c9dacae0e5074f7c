"""Update masks: which parts of a resource a change is about (AIP-134)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rollbook_server.domain.configurations import EXTRAS, Configuration
from rollbook_server.domain.errors import FieldsError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

EVERYTHING = "*"
_EXTRAS_GROUP = "system_extras"
_GROUPS = ("vendor_keys", _EXTRAS_GROUP, "custom_system_keys")
_SHOWN_LIMIT = 80  # characters of a wrong path


def named(paths: Iterable[str], changeable: tuple[str, ...]) -> frozenset[str]:
    """Give the fields that a mask names; raises FieldsError for others.

    An empty mask names none: what that means is up to the method.
    """
    given = frozenset(paths)
    _check(given, changeable.__contains__, " and ".join(changeable))
    return frozenset(changeable) if EVERYTHING in given else given


def configuration(
    present: Configuration, given: Configuration, paths: Iterable[str]
) -> Configuration:
    """Give the present configuration with what the mask names as it was given.

    What is named and not given is cleared; an empty mask names all. Raises FieldsError.
    """
    mask = frozenset(paths)
    _check(mask, _is_of_a_configuration, f"{', '.join(_GROUPS)} and {_EXTRAS_GROUP}.FIELD")
    if not mask or EVERYTHING in mask:
        return given
    groups = {name: getattr(given if name in mask else present, name) for name in _GROUPS}
    if _EXTRAS_GROUP not in mask:
        fields = {path.removeprefix(f"{_EXTRAS_GROUP}.") for path in mask - set(_GROUPS)}
        groups[_EXTRAS_GROUP] = {
            **{name: value for name, value in present.system_extras.items() if name not in fields},
            **{name: value for name, value in given.system_extras.items() if name in fields},
        }
    return Configuration(**groups)


def _is_of_a_configuration(path: str) -> bool:
    group, _, field = path.partition(".")
    return path in _GROUPS or (group == _EXTRAS_GROUP and field in EXTRAS)


def _check(paths: frozenset[str], is_known: Callable[[str], bool], known: str) -> None:
    wrong = sorted(path for path in paths if path != EVERYTHING and not is_known(path))
    if wrong:
        shown = wrong[0][:_SHOWN_LIMIT]
        raise FieldsError({"update_mask": f"names {shown!r}; {known} may be there, or '*' for all"})
