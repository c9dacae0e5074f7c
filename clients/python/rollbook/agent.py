"""What device agents call."""

from __future__ import annotations

from rollbook._blocking import BlockingClient
from rollbook._enrollment_calls import EnrollmentCalls


class EnrollmentAgent(BlockingClient, EnrollmentCalls):
    """Speaks for a device that switches on; needs no API key.

    >>> with EnrollmentAgent(address, patience_seconds=600) as agent:
    ...     enrollment = agent.enroll_device(token=token, imeis=["356938035643809"])
    >>> enrollment.outcome.name, enrollment.attributes
    ('REGISTERED', {'site': 'North'})

    A call takes at most `timeout_seconds`. With `patience_seconds` each attempt takes so
    long at most, and a server that is away, slow or busy, as when a school opens its tablets on
    a Monday, is asked again until these are over: when it says, or else after waits that
    grow from a fifth of a second to half a minute, with jitter.

    Plaintext on loopback, TLS everywhere else unless `plaintext=True`; certificates and
    `server_name` are as for `AdminClient`. Threads may share one. Close it, or use it in a
    `with`.
    """
