"""The commands `rollbook backup` and `rollbook restore`: a roll in a file, and back."""
