"""Verification of artifacts against records, dvc.lock, cache, event log and Git: `breathline audit verify`."""
