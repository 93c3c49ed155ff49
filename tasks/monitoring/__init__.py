"""Monitoring of a model in use: drift of what it is given and of what it says."""
