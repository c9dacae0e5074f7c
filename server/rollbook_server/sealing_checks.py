"""Whether sealing keys are those of a database."""

from __future__ import annotations

import hmac
from typing import TYPE_CHECKING

from rollbook_server.domain.audit_chain import Seals
from rollbook_server.sealing_keys import sealing_mark

if TYPE_CHECKING:
    from rollbook_server.sealing_file import KeyDocument
    from rollbook_server.storage.seals import Marks


def misfit(document: KeyDocument, marks: Marks) -> str:
    """Say what shows that the keys are not those of a database; empty if nothing does."""
    sealer = document.sealer()
    if marks.end is not None:
        end, seal = marks.end
        if not hmac.compare_digest(Seals(sealer.digest).of_end(end), seal):
            return "its audit log is sealed with another key"
    if marks.sealing_mark not in {None, sealing_mark(sealer)}:
        return "its servers seal with another key"
    missing = set(marks.key_ids) - {each.key_id for each in document.keys}
    if missing:
        told = ", ".join(sorted(key_id.hex() for key_id in missing))
        return f"its tokens are sealed with {told}, which is not among the keys"
    return ""
