"""Enrolls the device it runs on, once, whatever happens to it meanwhile.

    ROLLBOOK_TOKEN=... python examples/enrollment_agent.py --imei 490154203237518 --state agent.json

The state file holds a `request_id` from before the first call, so a device that loses power
at any moment asks the same thing again and is registered, and counted, once. What it was
given is kept there, too: once registered, the agent does not ask again. A server that is
away or busy is waited for. Exit status: 0 registered, 1 not registered, 3 sign-in required.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from dataclasses import asdict, dataclass, field
from pathlib import Path
from uuid import uuid4

from rollbook import Enrollment, EnrollmentAgent, EnrollOutcome, RollbookError

EXIT_STATUS = {EnrollOutcome.REGISTERED: 0, EnrollOutcome.SIGN_IN_REQUIRED: 3}


@dataclass
class State:
    """What has to outlive a loss of power."""

    request_id: str = field(default_factory=lambda: str(uuid4()))
    device_id: str = ""
    attributes: dict[str, str] = field(default_factory=dict)


def main() -> int:
    """Enroll unless that was done before."""
    options = arguments()
    state = load(options.state)
    if state.device_id:
        print(f"REGISTERED {state.device_id} (known from before)")
        return 0
    save(options.state, state)  # before the first call: after it would be too late
    enrollment = enroll(options, state.request_id)
    if enrollment.outcome is EnrollOutcome.REGISTERED:
        given = State(state.request_id, enrollment.device_id, dict(enrollment.attributes))
        save(options.state, given)
    else:
        options.state.unlink()  # that was an answer: the next attempt is another one
    print(enrollment.outcome, enrollment.device_id)
    return EXIT_STATUS.get(enrollment.outcome, 1)


def arguments() -> argparse.Namespace:
    """Read the command line; the token is a secret, and others can read that."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--address", default=os.environ.get("ROLLBOOK_ADDRESS", "127.0.0.1:7443"))
    parser.add_argument("--imei", action="append", default=[])
    parser.add_argument("--serial-number", default="")
    parser.add_argument("--manufacturer", default="")
    parser.add_argument("--state", type=Path, required=True, help="file to keep")
    return parser.parse_args()


def enroll(options: argparse.Namespace, request_id: str) -> Enrollment:
    """Ask as long as it takes, within a day."""
    with EnrollmentAgent(options.address, patience_seconds=86_400) as agent:
        return agent.enroll_device(
            token=os.environ.get("ROLLBOOK_TOKEN", ""),
            imeis=options.imei,
            serial_number=options.serial_number,
            manufacturer=options.manufacturer,
            request_id=request_id,
        )


def load(path: Path) -> State:
    """Give what was kept, or a new state."""
    if not path.exists():
        return State()
    try:
        return State(**json.loads(path.read_text()))
    except (ValueError, TypeError):
        sys.exit(f"{path} is no state of this agent; remove it to begin anew")


def save(path: Path, state: State) -> None:
    """Put the new file in the place of the old one in one step, and onto the disk."""
    new = path.with_name(f"{path.name}.new")
    with new.open("w") as file:
        json.dump(asdict(state), file)
        file.flush()
        os.fsync(file.fileno())
    new.replace(path)
    folder = os.open(path.parent, os.O_RDONLY)
    os.fsync(folder)  # else a loss of power could bring the old name back
    os.close(folder)


if __name__ == "__main__":
    try:
        sys.exit(main())
    except RollbookError as error:
        sys.exit(f"{error} ({error.reason or error.code})")
    except (OSError, ValueError) as error:  # a file, or an address that is none
        sys.exit(str(error))
