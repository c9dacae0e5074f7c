"""Who guesses: one process that sends wrong tokens or sweeps IMEIs, many calls in flight.

`python guessers.py ADDRESS tokens|sweep COUNT SECONDS` prints what came back, counted, as JSON.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from collections import Counter
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

import grpc.aio

sys.path.insert(0, str(Path(__file__).parents[1]))  # it runs as a script, too

from rollbook._channel import Endpoint
from rollbook._failures import from_rpc_error
from rollbook.v1 import enrollment_service_pb2 as messages
from rollbook_server.domain.token_values import new_value

if TYPE_CHECKING:
    from collections.abc import Iterator

MODEL = "35693803"  # whose 10^6 IMEIs are swept
A_CALL = 4  # IMEIs: as many as the server looks at
IN_FLIGHT = 64
_Call = Any  # of bytes, which the type stubs do not know
_ENDPOINT = Endpoint("the server", plaintext=True)
_METHOD = "/rollbook.v1.EnrollmentService/EnrollDevice"


def requests(kind: str, count: int) -> Iterator[bytes]:
    """Give the calls that guess so many tokens, or IMEIs."""
    if kind == "tokens":
        for _ in range(count):
            yield messages.EnrollDeviceRequest(
                token=new_value(), imeis=[f"{MODEL}000000"]
            ).SerializeToString()
        return
    for first in range(0, count, A_CALL):
        imeis = [f"{MODEL}{number:06}" for number in range(first, min(count, first + A_CALL))]
        yield messages.EnrollDeviceRequest(imeis=imeis).SerializeToString()


async def guess(address: str, kind: str, count: int, seconds: float) -> Counter[str]:
    """Send them all, or as many as can be sent in that time; gives the outcomes, counted."""
    found, ends = Counter[str](), time.monotonic() + seconds
    left = requests(kind, count)
    async with grpc.aio.insecure_channel(address) as channel:
        call: _Call = channel.unary_unary(_METHOD)

        async def go_on() -> None:
            while time.monotonic() < ends and (request := next(left, None)) is not None:
                found[await _outcome(call, request)] += 1

        await asyncio.gather(*(go_on() for _ in range(IN_FLIGHT)))
    found["not sent"] = sum(1 for _ in islice(left, count))
    return found


async def _outcome(call: _Call, request: bytes) -> str:
    try:
        answer = messages.EnrollDeviceResponse.FromString(await call(request))
    except grpc.aio.AioRpcError as error:
        told = from_rpc_error(error, _ENDPOINT)
        return told.reason or told.code
    return messages.EnrollOutcome.Name(answer.outcome).removeprefix("ENROLL_OUTCOME_")


if __name__ == "__main__":
    where, what, many, longest = sys.argv[1:]
    print(json.dumps(asyncio.run(guess(where, what, int(many), float(longest)))))
