"""What a call guesses, in the form in which it is counted."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rollbook_server.domain.guess_limits import Guess
from rollbook_server.domain.guessing import Attempt, Door, Marks
from rollbook_server.domain.names import name_key

if TYPE_CHECKING:
    from rollbook_server.domain.devices import Device
    from rollbook_server.domain.guessing import Mark
    from rollbook_server.domain.matching import Presented

TOKENS, SIGN_INS = Door(Guess.TOKEN), Door(Guess.SIGN_IN)


def of_token(mark: Mark, digest: bytes) -> Attempt:
    """Guess a token; what cannot be one by its checksum is a typing error, and free."""
    return Attempt(TOKENS, Marks(mark, [(digest,)] if digest else ()))


def of_device(mark: Mark, presented: Presented, token_id: str = "") -> Attempt:
    """Guess a device behind a token that is right, or behind none."""
    return Attempt(Door(Guess.DEVICE, token_id), Marks(mark, _guessed(presented)))


def of_pairs(mark: Mark, presented: Presented, token_id: str = "") -> Attempt:
    """Guess that serial number and one of the IMEIs are those of one device; else nothing."""
    serial = (presented.serial_number, presented.manufacturer_key)
    imeis = presented.imeis if may_be_proven(presented) else ()
    pairs = [("pair", imei, *serial) for imei in imeis]
    return Attempt(Door(Guess.PAIR, token_id), Marks(mark, pairs))


def of_sign_in(
    mark: Mark, presented: Presented, user_name: str, password: str
) -> tuple[Attempt, Attempt]:
    """Guess a user, a password and a device, of which the answer does not tell which is wrong."""
    user = mark("user", name_key(user_name))
    guess = user, password
    together = Marks(mark, [guess, *_guessed(presented)])
    one = Attempt(Door(Guess.PASSWORD, str(user)), Marks(mark, [guess]))
    return Attempt(SIGN_INS, together), one


def _guessed(presented: Presented) -> list[tuple[str, ...]]:
    """Give one guess for each key: every IMEI is one of its own."""
    guessed: list[tuple[str, ...]] = [("imei", imei) for imei in presented.imeis]
    if presented.serial_number and presented.manufacturer_key:
        guessed.append(("serial", presented.serial_number, presented.manufacturer_key))
    return guessed


def may_be_proven(presented: Presented) -> bool:
    """Tell whether `is_proven` can hold for some device."""
    return bool(presented.imeis and presented.serial_number and presented.manufacturer_key)


def is_proven(presented: Presented, device: Device) -> bool:
    """Tell whether IMEI and serial number are both right, which is hard to hit by guessing.

    Two IMEIs are not enough: those of one device often follow each other.
    """
    return (
        any(imei in presented.imeis for imei in (device.imei, device.imei2) if imei)
        and device.serial_number == presented.serial_number != ""
        and device.manufacturer_key == presented.manufacturer_key
    )
