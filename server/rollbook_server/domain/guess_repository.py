"""What is stored of guesses, as a Protocol; a part of `repositories`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from rollbook_server.domain.guess_news import News, ToldNews


class GuessLog(Protocol):
    """News of guesses, in the order in which transactions told them.

    Old ones are forgotten, and of very many all but the newest.
    """

    def news(self, after: int) -> Sequence[ToldNews]:
        """Give those behind a number, in order; asked again in one transaction that writes, none.

        Nobody else can tell any until that is over.
        """

    def tell(self, server: int, news: Sequence[News], now: datetime) -> None:
        """Put news of a server behind all others, in a transaction that asked for `news`.

        In place of what it told in this transaction before; undone with what is told in.
        """

    def forget(self, before: datetime, limit: int) -> bool:
        """Remove at most `limit` that were told before; True if there may be more."""
