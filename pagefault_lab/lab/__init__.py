"""The bench: a session, its history, breakpoints, symbols, the expression language."""
