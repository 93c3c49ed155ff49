"""Lint of the project's own words, which ruff does not know."""
