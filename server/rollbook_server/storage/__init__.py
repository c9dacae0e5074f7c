"""Keeps the roll in a database behind the interface of `domain.ports`."""
