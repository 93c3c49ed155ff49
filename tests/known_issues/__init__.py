"""Regression tests: one file per bug that reached a user, named by its symptom.

The docstring of each file says what went wrong, why, and since which change it works. A new file fails on the code that
had the bug. The tests run with `make test` and `make test-quick`, so they must take no more than seconds.
"""
