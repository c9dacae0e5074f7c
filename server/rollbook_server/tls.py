"""The certificate of a server, followed when its files change: no restart, no gap."""

from __future__ import annotations

import logging
import threading
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import grpc

from rollbook_server.config import ConfigError

if TYPE_CHECKING:
    from datetime import datetime

    from rollbook_server.domain.clock import Clock
    from rollbook_server.tls_files import Material, TlsFiles

_LOOKED_AT_AGAIN = timedelta(minutes=1)  # what could not serve; it may be good from then on

_NOT_TAKEN = "the new certificate is not taken, the old one goes on serving: %s"

_log = logging.getLogger(__name__)


class Certificates:
    """Looks at the files before every handshake; what cannot serve leaves the old one serving.

    Raises ConfigError if there is nothing good to begin with.
    """

    def __init__(self, files: TlsFiles, clock: Clock) -> None:
        self._files, self._clock = files, clock
        self._lock = threading.Lock()
        self._seen = files.stamp()
        self._serving = files.read(clock())
        self._is_refused, self._looked = False, clock()

    @property
    def until(self) -> datetime:
        """Give when the one that serves ends."""
        return self._serving.until

    def credentials(self) -> grpc.ServerCredentials:
        """Give what a port is opened with. gRPC speaks TLS 1.2 and 1.3."""
        changed: Any = self._changed  # the type stubs do not know its None
        return grpc.dynamic_ssl_server_credentials(
            _configuration(self._serving),
            changed,
            require_client_authentication=self._serving.client_authorities is not None,
        )

    def _changed(self) -> grpc.ServerCertificateConfiguration | None:
        """Give what is to be served from now on, or None if that is as it was.

        Files that are being replaced one after another do not fit for a moment: they are
        looked at again once they have changed, and once in a while: a clock that is a little
        slow takes a fresh certificate for one of the future.
        """
        with self._lock:
            stamp, now = self._files.stamp(), self._clock()
            is_new = stamp != self._seen
            if not is_new and not self._is_due(now):
                return None
            self._seen, self._looked = stamp, now
            return self._read(now, is_new=is_new)

    def _is_due(self, now: datetime) -> bool:
        return self._is_refused and not timedelta(0) <= now - self._looked < _LOOKED_AT_AGAIN

    def _read(self, now: datetime, *, is_new: bool) -> grpc.ServerCertificateConfiguration | None:
        try:
            material = self._files.read(now)
        except ConfigError as error:
            self._is_refused = True
            if is_new:
                _log.error(_NOT_TAKEN, error)
            return None
        self._is_refused, self._serving = False, material
        _log.info("serving a new certificate, good until %s", material.until)
        return _configuration(material)


def _configuration(material: Material) -> grpc.ServerCertificateConfiguration:
    return grpc.ssl_server_certificate_configuration(
        [(material.key, material.chain)], material.client_authorities
    )
