"""Made-up devices, for trying Rollbook and for measuring it."""
