"""What of the storage room is PostgreSQL's alone; the only place that knows its driver."""
