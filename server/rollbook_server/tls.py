"""The certificate of a server, followed when its files change: no restart, no gap."""

from __future__ import annotations

import logging
import threading
from typing import TYPE_CHECKING, Any

import grpc

from rollbook_server.config import ConfigError

if TYPE_CHECKING:
    from rollbook_server.domain.clock import Clock
    from rollbook_server.tls_files import Material, TlsFiles

_log = logging.getLogger(__name__)


class Certificates:
    """Looks at the files before every handshake; what cannot serve leaves the old one serving.

    Raises ConfigError if there is nothing good to begin with.
    """

    def __init__(self, files: TlsFiles, clock: Clock) -> None:
        self._files, self._clock = files, clock
        self._lock = threading.Lock()
        self._seen = files.stamp()
        self._first = files.read(clock())

    def credentials(self) -> grpc.ServerCredentials:
        """Give what a port is opened with. gRPC speaks TLS 1.2 and 1.3."""
        changed: Any = self._changed  # the type stubs do not know its None
        return grpc.dynamic_ssl_server_credentials(
            _configuration(self._first),
            changed,
            require_client_authentication=self._first.client_authorities is not None,
        )

    def _changed(self) -> grpc.ServerCertificateConfiguration | None:
        """Give what is to be served from now on, or None if that is as it was.

        Files that are being replaced one after another do not fit for a moment: they are
        looked at again once they have changed.
        """
        with self._lock:
            stamp = self._files.stamp()
            if stamp == self._seen:
                return None
            self._seen = stamp
            return self._read()

    def _read(self) -> grpc.ServerCertificateConfiguration | None:
        try:
            material = self._files.read(self._clock())
        except ConfigError as error:
            _log.error("the new certificate is not taken, the old one goes on serving: %s", error)
            return None
        _log.info("serving a new certificate, good until %s", material.until)
        return _configuration(material)


def _configuration(material: Material) -> grpc.ServerCertificateConfiguration:
    return grpc.ssl_server_certificate_configuration(
        [(material.key, material.chain)], material.client_authorities
    )
