"""What of the storage room is SQLite's alone."""
