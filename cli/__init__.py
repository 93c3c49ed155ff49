"""The command line ``breathline``, one module a sub-command."""
