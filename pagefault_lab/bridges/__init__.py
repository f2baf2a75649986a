"""Doors for other programs: values as JSON Lines, traces, pages for a browser."""
