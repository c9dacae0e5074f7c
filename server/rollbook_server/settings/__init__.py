"""What can be set of a server: as an option, in the environment, in a file; and shown."""
