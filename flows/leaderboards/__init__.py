"""Comparison of recipes whose workspaces are finished, beside published scores of the same definition."""
