"""Doors for other programs: values as JSON Lines."""
