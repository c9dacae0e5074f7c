"""Tests of the `rollbook` command."""
