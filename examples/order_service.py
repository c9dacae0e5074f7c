"""Carries the devices of released orders from a purchasing database onto the roll.

    export ROLLBOOK_API_KEY=...   # and ROLLBOOK_ADDRESS, if it is not on this machine
    python examples/order_service.py orders.db PROFILE_ID --every 60

Every order is one upload, whose `upload_id` is made from the number of the order. So the
service keeps nothing: whenever it is started, it uploads every order again, and of those
that arrived the server just answers what became of them; one that broke off goes on where
it stopped. SIGTERM cancels what is under way, and loses nothing.

The rows come out of SQLite here. A driver of asyncio works the same way: make `rows_of` an
asynchronous generator.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import signal
import sqlite3
import sys
from contextlib import closing, suppress
from functools import partial
from typing import TYPE_CHECKING

from rollbook import AsyncAdminClient, DeviceRow, OnConflict, RollbookError

if TYPE_CHECKING:
    from collections.abc import Iterator

UPLOADS_AT_A_TIME = 2


async def main() -> int:
    """Serve until SIGTERM, or once; gives the exit status."""
    options = arguments()
    task = asyncio.current_task()
    assert task is not None
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, task.cancel)
    address = os.environ.get("ROLLBOOK_ADDRESS", "127.0.0.1:7443")
    key = os.environ.get("ROLLBOOK_API_KEY") or sys.exit("ROLLBOOK_API_KEY is not set")
    with suppress(asyncio.CancelledError):
        async with AsyncAdminClient(address, api_key=key) as admin:
            all_arrived = await carry_over(admin, options)
            while options.every:
                await asyncio.sleep(options.every)
                await carry_over(admin, options)
            return 0 if all_arrived else 1
    return 0


def arguments() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("database", help="SQLite file with the tables orders and devices")
    parser.add_argument("profile_id")
    parser.add_argument("--every", type=float, metavar="SECONDS", help="go on, so often")
    return parser.parse_args()


async def carry_over(admin: AsyncAdminClient, options: argparse.Namespace) -> bool:
    """Upload every released order, a few at a time; tells whether all arrived."""
    places = asyncio.Semaphore(UPLOADS_AT_A_TIME)
    orders = await asyncio.to_thread(released_orders, options.database)
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(upload_order(admin, options, order, places)) for order in orders]
    return all(task.result() for task in tasks)


async def upload_order(
    admin: AsyncAdminClient, options: argparse.Namespace, order: int, places: asyncio.Semaphore
) -> bool:
    """Upload an order; a failure of one does not hold up the others."""
    async with places:
        try:
            upload = await admin.upload_rows(
                options.profile_id,
                partial(rows_of, options.database, order),
                upload_id=f"order-{order}",
                file_name=f"order {order}",
                on_conflict=OnConflict.KEEP,
            )
        except RollbookError as error:
            print(f"order {order}: {error} ({error.reason or error.code})", file=sys.stderr)
            return False
        except (sqlite3.Error, TypeError) as error:  # the rows of this order cannot be read
            print(f"order {order}: {error}", file=sys.stderr)
            return False
    print(f"order {order}: {upload.row_count} rows, {upload.rejected_count} rejected")
    return True


def released_orders(database: str) -> list[int]:
    """Give the numbers of the orders whose rows do not change any more."""
    with closing(sqlite3.connect(database)) as connection:
        return [
            number for (number,) in connection.execute("SELECT number FROM orders WHERE released")
        ]


def rows_of(database: str, order: int) -> Iterator[DeviceRow]:
    """Give the rows of an order, each time in the same sequence.

    Threads take turns to read them, which SQLite has to be told.
    """
    with closing(sqlite3.connect(database, check_same_thread=False)) as connection:
        query = (
            "SELECT rowid, imei, serial, maker, site FROM devices WHERE number = ? ORDER BY rowid"
        )
        for line, imei, serial, maker, site in connection.execute(query, (order,)):
            yield DeviceRow(
                imei=imei or "",
                serial_number=serial or "",
                manufacturer=maker or "",
                attributes={"site": site} if site else {},
                source_line=line,
            )


if __name__ == "__main__":
    try:
        sys.exit(asyncio.run(main()))
    except sqlite3.Error as error:
        sys.exit(f"the database cannot be read: {error}")
