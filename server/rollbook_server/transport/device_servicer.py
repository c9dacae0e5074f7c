"""DeviceService, put together of its parts."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rollbook_server.transport.device_methods import DeviceMethods
from rollbook_server.transport.inventory_methods import InventoryMethods
from rollbook_server.transport.upload_methods import UploadMethods

if TYPE_CHECKING:
    from collections.abc import Callable

    from rollbook_server.domain.clock import Clock
    from rollbook_server.domain.ports import Sealer, Store
    from rollbook_server.domain.tally import Tally
    from rollbook_server.domain.upload_limits import UploadLimits
    from rollbook_server.transport.answers import Answers
    from rollbook_server.transport.idle_limit import IdleLimit
    from rollbook_server.transport.streams import ExportStreams, UploadStreams


class DeviceServicer(UploadMethods, DeviceMethods, InventoryMethods):
    """Puts devices on the roll and looks after them."""

    def __init__(  # noqa: PLR0913 - what its parts need
        self,
        store: Store,
        clock: Clock,
        answers: Answers,
        limits: UploadLimits,
        streams: UploadStreams,
        *,
        exports: ExportStreams,
        idle: IdleLimit,
        sweep: Callable[[], None],
        sealer: Sealer,
        tally: Tally,
    ) -> None:
        self._store, self._clock, self._answers = store, clock, answers
        self._limits, self._streams = limits, streams
        self._exports, self._idle = exports, idle
        self._sealer, self._sweep, self._tally = sealer, sweep, tally
