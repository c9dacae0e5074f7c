"""What a database shows of the keys that it was sealed with; never what is sealed."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from rollbook_server.storage import counters
from rollbook_server.storage.audit import StoredAudit

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rollbook_server.domain.audit_chain import End
    from rollbook_server.storage.engine import RollDatabase

# Behind the byte of the format stand four of the key's id; see `sealing`.
_KEY_IDS = "SELECT DISTINCT substr(sealed_value, 2, 4) FROM tokens"


class Marks(NamedTuple):
    """`end` is the newest event and its seal, None before the first.

    `key_ids` are those of all tokens, and `sealing_mark` is of the keys of several servers,
    None where there was one alone.
    """

    end: tuple[End, bytes] | None
    key_ids: Sequence[bytes]
    sealing_mark: int | None

    @property
    def need_keys(self) -> bool:
        """Tell whether anything is of no use without the keys."""
        return self.end is not None or bool(self.key_ids)


def marks(database: RollDatabase) -> Marks:
    """Look at a database whose schema is this program's."""
    ids = [bytes(key_id) for (key_id,) in database.execute_sql(_KEY_IDS).fetchall()]
    mark = counters.kept(database, counters.SEALING_MARK)
    return Marks(StoredAudit(database).end(), sorted(ids), mark)
