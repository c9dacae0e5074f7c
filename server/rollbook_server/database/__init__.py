"""The command `rollbook database`: looks at a server's database, upgrades and copies it."""
