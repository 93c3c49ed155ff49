"""Changes of a run that verification must find, and honest ones that it must not take for tampering."""
