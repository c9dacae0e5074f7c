"""`python -m rollbook_server`: the same as `rollbook serve`."""

import os

# Before gRPC is loaded: strangers who scan the port would fill the log with its lines.
os.environ.setdefault("GRPC_VERBOSITY", "NONE")

from rollbook_server.command import serve

serve(prog_name="python -m rollbook_server")
