"""Runs in a thread what would hold up the event loop."""

from __future__ import annotations

import asyncio
import contextvars
from contextlib import suppress
from threading import Thread
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

_T = TypeVar("_T")
_OutcomeT = TypeVar("_OutcomeT")


async def in_thread(function: Callable[[], _T]) -> _T:
    """Give what the function gives, or raise what it raises.

    Unlike those of `asyncio.to_thread`, the thread keeps no program from ending: it may
    stand in a pipe into which nobody writes.
    """
    loop = asyncio.get_running_loop()
    outcome: asyncio.Future[_T] = loop.create_future()

    def work() -> None:
        try:
            result = function()
        except BaseException as error:  # noqa: BLE001 - raised by who awaits it
            hand_over(outcome.set_exception, error)
        else:
            hand_over(outcome.set_result, result)

    def hand_over(settle: Callable[[_OutcomeT], None], with_what: _OutcomeT) -> None:
        with suppress(RuntimeError):  # the loop is closed: nobody waits any more
            loop.call_soon_threadsafe(lambda: None if outcome.done() else settle(with_what))

    context = contextvars.copy_context()
    Thread(target=context.run, args=(work,), name="rollbook-source", daemon=True).start()
    return await outcome
