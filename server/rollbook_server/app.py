"""Wires a server: the only place that knows every room."""

from __future__ import annotations

import logging
from concurrent import futures
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING

import grpc

from rollbook.v1 import (
    access_service_pb2_grpc,
    audit_service_pb2_grpc,
    device_service_pb2_grpc,
    enrollment_service_pb2_grpc,
    profile_service_pb2_grpc,
    token_service_pb2_grpc,
    user_service_pb2_grpc,
)
from rollbook_server import admin_key, qr, sealing_keys, settings_check
from rollbook_server.domain import api_keys, clock
from rollbook_server.domain.audit_chain import Seals
from rollbook_server.domain.audit_limits import PERIOD_SECONDS
from rollbook_server.domain.errors import RollbookError
from rollbook_server.domain.gate import Gate
from rollbook_server.domain.guess_exchange import EVERY_SECONDS
from rollbook_server.domain.guessing import Guesses
from rollbook_server.domain.key_ring import KeyRing
from rollbook_server.domain.tokens import TokenMaker
from rollbook_server.domain.witness import Witness
from rollbook_server.health import NAME as HEALTH
from rollbook_server.health import SERVICES, Health
from rollbook_server.listening import Door, options
from rollbook_server.observing.observation import Observation
from rollbook_server.observing.states import States
from rollbook_server.passwords import Argon2Passwords
from rollbook_server.pulse import Feeling, Pulse
from rollbook_server.rotations import Rotations
from rollbook_server.stand_in import StandIn
from rollbook_server.storage.opening import open_store
from rollbook_server.sweeper import Sweeper
from rollbook_server.token_epoch import TokenEpoch
from rollbook_server.transport import reflection
from rollbook_server.transport.access_servicer import AccessServicer
from rollbook_server.transport.answers import Answers
from rollbook_server.transport.audit_servicer import AuditServicer
from rollbook_server.transport.device_servicer import DeviceServicer
from rollbook_server.transport.enrollment_servicer import EnrollmentServicer
from rollbook_server.transport.guard import Guard
from rollbook_server.transport.idle_limit import IdleLimit
from rollbook_server.transport.profile_servicer import ProfileServicer
from rollbook_server.transport.streams import ExportStreams, UploadStreams
from rollbook_server.transport.token_servicer import TokenKeeper, TokenServicer
from rollbook_server.transport.user_servicer import UserServicer
from rollbook_server.transport.waiting_line import Lines
from rollbook_server.tuning import SHORT_TURNS

if TYPE_CHECKING:
    from rollbook_server.awaiting import Awaiting
    from rollbook_server.config import Config
    from rollbook_server.domain.callers import Caller
    from rollbook_server.domain.clock import Clock
    from rollbook_server.sealing_keys import SealingKeys
    from rollbook_server.storage.roll_store import RollStore

_log = logging.getLogger(__name__)

ADMIN_KEY_NAME = "admin.key"
TOKEN_EPOCH_NAME = "token.epoch"  # noqa: S105 - a name, no secret

# Of the time in which a server is to end, what calls may take; the rest is for its files.
CALLS_SHARE = 0.75

# For watchers of health to be told that we stop. They need no key: one that takes nothing
# must not hold up the end for long.
WATCHERS_SECONDS = 2.0


class App:
    """A server from its files to its port; stop it when done.

    A database that is away is waited for if somebody does that. Raises ConfigError, StoreError or
    KeyFileError, whose texts tell what to do, or StoppedError.
    """

    def __init__(
        self, config: Config, clock: Clock = clock.now, awaiting: Awaiting | None = None
    ) -> None:
        settings_check.check(config)
        self._config, self._clock = config, clock
        self.observation = Observation(config, (*SERVICES, HEALTH))
        config.make_data_dir()
        self._door = Door(config, clock)
        self._store = self._opened(awaiting)
        self._sweeper, self._rotations = Sweeper(self._store, clock), Rotations()
        self._keys = KeyRing(self._store, clock)
        self._witness = Witness(self._keyed)
        self._teller = Sweeper(self._store, clock, PERIOD_SECONDS, self._witness.settle)
        self._streams = UploadStreams(config.upload_streams, SHORT_TURNS)
        self._exports = ExportStreams(config.export_streams, SHORT_TURNS)
        self._lines = Lines(config.waiting_calls)
        # Half of the threads are for callers who have said what they want.
        self._idle = IdleLimit(
            config.idle_seconds, config.threads // 2, others_wait=self._lines.anyone_waits
        )
        self.health = Health()
        self._pulse: Pulse | None = None
        self._listener: Sweeper | None = None
        try:
            self._begin()
        except BaseException:
            self._close()
            raise

    def _opened(self, awaiting: Awaiting | None) -> RollStore:
        stand_in = partial(StandIn, self._config, self._door, self.observation.watch)
        return awaiting.opened(self._open, stand_in) if awaiting else self._open()

    def _open(self) -> RollStore:
        config = self._config
        default, may_upgrade = config.default_database(), config.upgrade
        return open_store(config.database, default, self._keyed, may_upgrade=may_upgrade)

    def _keyed(self, text: str) -> bytes:
        return self._sealing.sealer.digest(text)

    def _begin(self) -> None:
        self._store.see_newest_event()
        self._sealing = self._load_sealing()
        self._sealing.check_fit()
        self._sealing.check_shared()
        self._epoch = self._load_epoch()  # before anything is told in the audit log
        self._sealing.finish()
        self._keep_admin_key()
        self._sweeper.wake()  # for what a crash left behind
        pool = futures.ThreadPoolExecutor(self._config.threads, thread_name_prefix="rollbook-call")
        guard = Guard(self._keys, self._idle, self._lines, self._turned_away)
        interceptors = [self.observation.watch, guard]
        settings = options(self._config)
        self._server = grpc.server(pool, interceptors=interceptors, options=settings)
        self.address = self._door.open(self._server)
        self._register()
        streams = {"uploads": self._streams, "inventories": self._exports}
        states = States(
            self.health.is_serving, self._store, self._lines, streams, self._door.certificates
        )
        self.observation.look_at(self._store, self._clock, states)

    def _keep_admin_key(self) -> None:
        """Put the key of our file to use; without one, that of another server stays."""
        key_file = self._config.data_dir / ADMIN_KEY_NAME
        others = self._store.has_other_servers and api_keys.has_admin_key(self._store)
        if others and not key_file.exists():
            _log.info("the administrator key is in the data directory of another server")
            return
        key = admin_key.load_or_create(key_file, api_keys.new_value)
        api_keys.keep_admin_key(self._store, key, self._clock())

    def _load_sealing(self) -> SealingKeys:
        config, needed = self._config, self._store.needs_key_file()
        path = config.sealing_key_path()
        keys, rotations = config.sealing_keys, self._rotations
        return sealing_keys.load(path, keys, self._store, rotations, must_exist=needed)

    def _load_epoch(self) -> TokenEpoch:
        path = self._config.data_dir / TOKEN_EPOCH_NAME
        epoch = TokenEpoch(path, self._store.identity, self._store)
        epoch.check(holds_secrets=self._store.holds_secrets())
        return epoch

    def _turned_away(self, method: str, caller: Caller, reason: str) -> None:
        self._witness.turned_away(self._store, method, caller, reason, self._clock())

    def _register(self) -> None:
        server, clock, sealer = self._server, self._clock, self._sealing.sealer
        store, tally = self.observation.traced(self._store), self.observation.tally
        limits, public = self._config.upload_limits, self._config.public_address or self.address
        answers = Answers(store, clock, sealer)
        maker = TokenMaker(sealer, self._config.token_limits)
        editable, sweep = self._config.allow_csv_profile_edit, self._sweeper.wake
        profiles = ProfileServicer(
            store,
            answers,
            clock,
            maker,
            csv_editable=editable,
            sweep=sweep,
            voided=self._epoch.voided,
        )
        tokens = TokenServicer(
            store,
            answers,
            clock,
            maker,
            draw=qr.draw,
            server_address=public,
            keeper=TokenKeeper(
                self._epoch.voided,
                self._epoch.settle,
                self._sealing.rotate,
                self._sealing.rotation,
            ),
        )
        devices = DeviceServicer(
            store,
            clock,
            answers,
            limits,
            self._streams,
            exports=self._exports,
            idle=self._idle,
            sealer=sealer,
            sweep=sweep,
            tally=tally,
        )
        passwords = Argon2Passwords()
        enrollment = EnrollmentServicer(store, sealer, passwords, self._gate(), clock, tally=tally)
        users = UserServicer(store, answers, passwords, self._epoch.voided)
        access = AccessServicer(store, answers, self._keys, self._epoch.voided)
        audit = AuditServicer(store, Seals(sealer.digest))
        profile_service_pb2_grpc.add_ProfileServiceServicer_to_server(profiles, server)
        token_service_pb2_grpc.add_TokenServiceServicer_to_server(tokens, server)
        device_service_pb2_grpc.add_DeviceServiceServicer_to_server(devices, server)
        enrollment_service_pb2_grpc.add_EnrollmentServiceServicer_to_server(enrollment, server)
        user_service_pb2_grpc.add_UserServiceServicer_to_server(users, server)
        access_service_pb2_grpc.add_AccessServiceServicer_to_server(access, server)
        audit_service_pb2_grpc.add_AuditServiceServicer_to_server(audit, server)
        self._register_standard()

    def _gate(self) -> Gate:
        """Count guesses where servers on this database left off, and hear on what they count."""
        # No token value has a colon: no digest of one is ever the same.
        key = self._keyed("guesses:")
        self._guesses = Guesses(self._config.guess_limits, key)
        gate = Gate(self._witness, self._guesses)
        gate.exchange.keep_up(self._store, self._clock())
        if self._store.has_other_servers:
            keep_up = gate.exchange.keep_up
            self._listener = Sweeper(self._store, self._clock, EVERY_SECONDS, keep_up)
        return gate

    def _register_standard(self) -> None:
        """Add health and, if it is wanted, reflection."""
        self.health.register(self._server)
        if self._config.reflection:
            reflection.register(self._server, (*SERVICES, HEALTH))

    def start(self) -> None:
        """Serve; the address is then `address`."""
        self.health.tell(Feeling.WELL)
        self._server.start()
        self._pulse = Pulse(self._store, self.health.tell)

    def stop(self) -> None:
        """Tell that it stops, let no new call in, answer those under way, and close the files.

        Uploads and inventories end at their next message, and those that stand still in a
        moment; a rotation after its piece. What is not answered after three quarters of
        `drain_seconds` is cut.
        """
        self.health.stop()
        self._streams.stop()
        self._exports.stop()
        self._rotations.stop()
        self._idle.hurry()
        seconds = self._config.drain_seconds * CALLS_SHARE
        ended = self._server.stop(seconds)
        self._lines.wait_until_quiet(seconds)
        self._lines.wait_for_watchers(min(seconds, WATCHERS_SECONDS))
        self._server.stop(0)  # watchers of our health who do not listen, and would stay
        ended.wait()
        self._close()
        # Behind the close, by which the event is on the disk: noted before, it might be missed.
        self._epoch.reached(self._store.newest_event().sequence)

    def _close(self) -> None:
        self._door.close()
        if self._pulse:
            self._pulse.close()
        self.observation.close()
        self._idle.close()
        self._lines.close()
        self._sweeper.close()
        self._rotations.close()
        if self._listener:
            self._listener.close()
        self._keys.flush()
        self._teller.close()
        with suppress(RollbookError):  # a full disk: what was counted is lost with the rest
            self._witness.settle(self._store, self._clock())
        self._store.close()
