"""Client library of Rollbook."""
