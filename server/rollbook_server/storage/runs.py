"""Runs of numbers in a table, each with its owner: as few as there can be."""

from __future__ import annotations


def extending(table: str, owner: str) -> str:
    """Give the statement that adds numbers behind the owner's last run, or as the rest of it.

    `adding` gives its parameters.
    """
    return f"""
INSERT INTO {table} ({owner}, first_id, last_id)
SELECT ?, coalesce((
    SELECT CASE WHEN last_id = ? THEN first_id END FROM {table}
    WHERE {owner} = ? ORDER BY first_id DESC LIMIT 1
), ?), ? WHERE true
ON CONFLICT ({owner}, first_id) DO UPDATE SET last_id = excluded.last_id
"""


def adding(owner: int, first: int, last: int) -> tuple[int, ...]:
    """Give the parameters for numbers that are above all others."""
    return owner, first - 1, owner, first, last
