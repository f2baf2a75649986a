"""Exercises, as someone is at them: a file for each kind, what of them is kept (standing), and how they are shown."""
