"""Serves on a file system of a few MiB: `python -m faults.small_disk BYTES FOLDER serve-options`.

It is mounted over the folder in a name space of the server's own; others reach it under
/proc/PID/root.
"""

from __future__ import annotations

import os
import sys

_MOUNT = 'mount -t tmpfs -o "size=$1" none "$2" && shift 2 && exec "$@"'

if __name__ == "__main__":
    size, folder, *options = sys.argv[1:]
    server = (sys.executable, "-m", "rollbook_server", *options)
    os.execvp("unshare", ("unshare", "-rm", "sh", "-c", _MOUNT, "sh", size, folder, *server))
