"""Backfill: variants of the project (commit and parameter values) in workspaces, and tables of their scores."""
