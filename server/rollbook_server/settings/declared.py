"""What a setting is, declared once, beside the field that holds it.

Its option, its variable, its key in a file and its line in `--print-config` all follow
from that. Knows the standard library only.
"""

from __future__ import annotations

from dataclasses import MISSING, dataclass, fields
from pathlib import Path
from types import UnionType
from typing import TYPE_CHECKING, Any, TypeVar, get_args, get_type_hints

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from dataclasses import Field

C = TypeVar("C")

_ONE, _SEVERAL = "setting", "settings"
_KINDS = (bool, int, float, str, Path)
_VARIABLES = "ROLLBOOK_"


@dataclass(frozen=True, slots=True)
class Told:
    """What the type of a field does not tell of its setting.

    Numbers are `at_least` so much and `at_most`, and of `choices` one is taken, if there are
    any. `default` is what to say where that is worked out when the server starts. A `secret`
    may hold a password, and a path may be that of a `folder`.
    """

    text: str
    metavar: str = ""
    at_least: int | None = None
    at_most: int | None = None
    choices: tuple[str, ...] = ()
    default: str = ""
    secret: bool = False
    folder: bool = False


@dataclass(frozen=True, slots=True)
class Setting:
    """One setting: its `name` is the key in a file; `place` is the way to the field."""

    name: str
    kind: type[Any]
    default: Any
    told: Told
    place: tuple[str, ...]

    @property
    def bounds(self) -> str:
        """Give between what a number must be; empty if any will do."""
        least, most = self.told.at_least, self.told.at_most
        if most is not None:
            return f"from {least or 0:,} to {most:,}"
        return "" if least is None else f"{least:,} or more"

    def is_within(self, value: float) -> bool:
        """Tell whether a number is one that may be."""
        least, most = self.told.at_least, self.told.at_most
        return (least is None or value >= least) and (most is None or value <= most)

    @property
    def option(self) -> str:
        """Give how it is written on a command line."""
        return f"--{self.name.replace('_', '-')}"

    @property
    def variable(self) -> str:
        """Give how it is called in the environment."""
        return f"{_VARIABLES}{self.name.upper()}"

    def of(self, configuration: object) -> Any:
        """Give what it is set to."""
        for name in self.place:
            configuration = getattr(configuration, name)
        return configuration


def setting(text: str, **told: Any) -> dict[str, Told]:
    """Declare that a field is a setting: metadata for `dataclasses.field`; see `Told`."""
    return {_ONE: Told(text, **told)}


def settings(**declared: tuple[str, Told]) -> dict[str, Mapping[str, tuple[str, Told]]]:
    """Declare settings that are fields of a field: metadata, by name; see `inner`."""
    return {_SEVERAL: declared}


def inner(field: str, text: str, **told: Any) -> tuple[str, Told]:
    """Declare a field of the field that `settings` is for."""
    return field, Told(text, **told)


def declared(kind: type[Any]) -> tuple[Setting, ...]:
    """Give the settings of a dataclass, in the order of its fields."""
    return tuple(_declared(kind))


def _declared(kind: type[Any]) -> Iterator[Setting]:
    kinds = get_type_hints(kind)
    for field in fields(kind):
        if told := field.metadata.get(_ONE):
            yield _setting(field.name, field, kinds[field.name], told, (field.name,))
        for name, (within, text) in field.metadata.get(_SEVERAL, {}).items():
            owner = kinds[field.name]
            part = next(each for each in fields(owner) if each.name == within)
            place = (field.name, within)
            yield _setting(name, part, get_type_hints(owner)[within], text, place)


def _setting(
    name: str, field: Field[Any], hint: Any, told: Told, place: tuple[str, ...]
) -> Setting:
    default = None if field.default is MISSING else field.default
    kinds = get_args(hint) if isinstance(hint, UnionType) else (hint,)
    kind = next(each for each in _KINDS if each in kinds)
    return Setting(name, kind, default, told, place)


def made(kind: type[C], values: Mapping[str, Any], **others: Any) -> C:
    """Make a dataclass from a value for each setting; `others` are fields that are none."""
    given: dict[str, Any] = dict(others)
    parts: dict[str, dict[str, Any]] = {}
    for each in declared(kind):
        if len(each.place) == 1:
            given[each.place[0]] = values[each.name]
        else:
            parts.setdefault(each.place[0], {})[each.place[1]] = values[each.name]
    kinds = get_type_hints(kind)
    return kind(**given, **{name: kinds[name](**part) for name, part in parts.items()})
