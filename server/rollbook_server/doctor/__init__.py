"""The command `rollbook doctor`: looks at all that a server needs, and changes nothing."""
