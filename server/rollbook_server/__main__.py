"""`python -m rollbook_server`: the same as `rollbook serve`."""

from rollbook_server.command import serve

serve(prog_name="python -m rollbook_server")
