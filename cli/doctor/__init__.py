"""`breathline doctor`: checks of the machine, the installed packages and the project."""
