"""Checks of `breathline doctor`: the machine, the installed packages and the project."""
