"""Which command or option helps after which refusal.

The server speaks to every client, in the words of the contract. What follows its
sentence here is said in the words of this command.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

from rollbook._handshakes import HandshakeFault, handshake_fault
from rollbook.cli.wording import bad_devices
from rollbook.errors import RollbookError, UnavailableError
from rollbook.words import Right

if TYPE_CHECKING:
    from collections.abc import Iterable

    from rollbook import AdminClient
    from rollbook.cli.session import Session

_AFTER_REASON = {
    "API_KEY_INVALID": "Check ROLLBOOK_API_KEY, --api-key-file and which server --address names.",
    "API_KEY_EXPIRED": "Name another key: ROLLBOOK_API_KEY or --api-key-file.",
    "API_KEY_REVOKED": "Name another key: ROLLBOOK_API_KEY or --api-key-file.",
    "PROFILE_NOT_EDITABLE": "Profiles made with --single-device can be edited; assign-user and "
    "configure work on every profile.",
    "ETAG_MISMATCH": "Somebody else changed it in between; give the command again.",
    **dict.fromkeys(
        (
            "TOKEN_DAYS_MISSING",
            "TOKEN_DAYS_NEGATIVE",
            "TOKEN_DAYS_TOO_FEW",
            "TOKEN_DAYS_TOO_MANY",
        ),
        "Say it with --days N.",
    ),
    "TOKEN_OVERLAP_INVALID": "Say it in hours: --overlap HOURS.",
    "UPLOAD_ID_INVALID": "--resume takes the id that the upload printed.",
    "UPLOAD_DISCARDED": "Begin a new upload: leave out --resume.",
    "UPLOAD_SUPERSEDED": "Another command goes on with the same upload; let it end.",
    "CSV_DUPLICATE_COLUMN": "Tell columns apart: --map COLUMN=FIELD; or leave one out: "
    "--map COLUMN=ignored",
}


class _Next(NamedTuple):
    """A sentence, and the command that it leads to."""

    sentence: str
    words: tuple[str, ...]
    options: tuple[str, ...] = ()
    by_somebody_else: bool = False


_AFTER_REASON_COMMAND = {
    "PROFILE_NOT_FOUND": _Next("The profiles of this server", ("profile", "list")),
    "DEVICE_NOT_FOUND": _Next("The devices of this server", ("device", "list")),
    "UPLOAD_NOT_FOUND": _Next("The uploads of a profile", ("uploads", "PROFILE")),
    "PROFILE_NAME_TAKEN": _Next("The profiles of this server", ("profile", "list")),
    "USER_NOT_FOUND": _Next("The users of this server", ("user", "list")),
    "USER_NAME_TAKEN": _Next("The users of this server", ("user", "list")),
    "RIGHT_MISSING": _Next(
        "Name another key with --api-key-file; an administrator makes one",
        ("key", "create", "NAME"),
        ("--right", "RIGHT"),
        by_somebody_else=True,
    ),
    "API_KEY_NOT_FOUND": _Next("The API keys of this server", ("key", "list")),
    "TOKEN_IS_REVOKED": _Next("A new token", ("token", "refresh", "PROFILE")),
    "PROFILE_IS_TOKENLESS": _Next(
        "Its devices enroll without a token", ("enroll",), ("--imei", "IMEI")
    ),
    "CSV_NO_IDENTIFIER_COLUMN": _Next(
        "Name your columns with --map COLUMN=FIELD, or see how a file looks", ("template",)
    ),
}

_AFTER_ROW_REASON = {
    "DEVICE_ON_ROLL": "Devices on the roll: --on-conflict update changes them to what the file "
    "says, --on-conflict keep leaves them as they are.",
    "DEVICE_IN_OTHER_PROFILE": "Devices of other profiles: --on-conflict move brings them into "
    "this one.",
}

_AFTER_HANDSHAKE = {
    HandshakeFault.EXPIRED: "The server needs a new certificate; or is the clock of this "
    "machine wrong?",
    HandshakeFault.UNKNOWN_AUTHORITY: "Name the authority that issued the server's certificate: "
    "--ca FILE",
    HandshakeFault.OTHER_NAME: "Call the server by the name in its certificate: --address "
    "HOST:PORT; or tell that name: --server-name HOST",
    HandshakeFault.SPEAKS_PLAINTEXT: "Check the port. A server without TLS is called with "
    "--plaintext, and then API key and tokens can be read on the way.",
    HandshakeFault.OWN_CERTIFICATE: "Check that --cert and --key belong together, and that --ca "
    "holds certificates.",
    HandshakeFault.CLIENT_REFUSED: "Show a certificate that the server accepts: --cert FILE "
    "--key FILE; or ask who runs it why this one is refused.",
    HandshakeFault.SPEAKS_TLS: "Speak TLS: --ca FILE with the authority of the server's "
    "certificate, or --tls if it is a well-known one.",
}

# What gRPC's resolvers say; the words differ between its versions.
_NO_SUCH_HOST = re.compile(r"DNS resolution failed|errors resolving|name not found", re.IGNORECASE)


def next_step_after(error: RollbookError, session: Session) -> str:
    """Give a sentence that names a command or option; empty where none helps."""
    if isinstance(error, UnavailableError) and not error.reason:
        return _after_silence(error, session)
    if error.reason in _AFTER_REASON_COMMAND:
        step = _AFTER_REASON_COMMAND[error.reason]
        known = {
            "PROFILE": error.metadata.get("profile_id", "PROFILE"),
            "RIGHT": error.metadata.get("right", "RIGHT").lower().replace("_", "-"),
        }
        parts = (step.words, step.options)
        words, options = ([known.get(word, word) for word in part] for part in parts)
        typist = session.of_somebody_else() if step.by_somebody_else else session
        return f"{step.sentence}: {typist.command(*words, options=options)}"
    return _AFTER_REASON.get(error.reason) or bad_devices(error, session)


def may_reveal_tokens(client: AdminClient) -> bool:
    """Tell whether QR codes are a next step for the holder of this key, as far as is known."""
    try:
        return Right.REVEAL_TOKEN in client.get_own_api_key().rights
    except RollbookError:  # a server that knows no such method
        return True


def next_steps_after_rows(reasons: Iterable[str]) -> list[str]:
    """Give a sentence for every reason of rejected rows that an option overcomes."""
    return [_AFTER_ROW_REASON[reason] for reason in reasons if reason in _AFTER_ROW_REASON]


def _after_silence(error: UnavailableError, session: Session) -> str:
    if _NO_SUCH_HOST.search(error.message):
        return "No such host was found; check the name: --address HOST:PORT"
    fault = handshake_fault(error.message, plaintext=session.speaks_plaintext)
    if fault is not None:
        return _AFTER_HANDSHAKE[fault]
    if session.server_is_here:
        return "Start a server here: rollbook serve; or name another: --address HOST:PORT"
    return "Check host and port, and that the server runs there: --address HOST:PORT"
