"""The Rollbook server: `transport -> domain <- storage`, wired by `app`."""
