"""Regression tests of known issues, one file each."""
