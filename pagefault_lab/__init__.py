"""pagefault_lab: a teaching REPL and debugger for page faults on a simulated i386."""

__version__ = "0.1.0"
