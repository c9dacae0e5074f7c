"""Which custom attributes the devices of a profile have, or had: names in order of first use."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from rollbook_server.storage.engine import RollDatabase


_ADD = """
INSERT INTO attribute_names (profile, name) SELECT ?, value FROM ($TEXTS) given WHERE true
ON CONFLICT DO NOTHING
"""
_OF_PROFILE = "SELECT name FROM attribute_names WHERE profile = ? ORDER BY id LIMIT ?"
_OF_ALL = "SELECT name FROM attribute_names GROUP BY name ORDER BY min(id) LIMIT ?"
_IN_USE = """
SELECT name FROM attribute_names WHERE profile = ? AND name IN ($NAMES_IN_USE WHERE r.profile = ?)
ORDER BY id
"""


class AttributeNames:
    """The names as one transaction sees them; profiles are given by their keys."""

    def __init__(self, database: RollDatabase) -> None:
        self._database = database

    def add(self, profile: int, names: Iterable[str]) -> None:
        """Put names that are new to the profile behind the others, in their order."""
        if names:
            payload = json.dumps(list(names), ensure_ascii=False)
            self._database.hand_over(_ADD, (profile, payload))

    def of(self, profile: int, *, limit: int) -> list[str]:
        """Give at most `limit` names of a profile."""
        return self._names(_OF_PROFILE, profile, limit)

    def of_all(self, *, limit: int) -> list[str]:
        """Give at most `limit` names of all profiles, each once."""
        return self._names(_OF_ALL, limit)

    def in_use(self, profile: int) -> list[str]:
        """Give all names that a device of a profile has now; looks at each of them."""
        return self._names(_IN_USE, profile, profile)

    def _names(self, sql: str, *parameters: int) -> list[str]:
        return [name for (name,) in self._database.execute_sql(sql, parameters).fetchall()]
