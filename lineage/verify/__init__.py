"""Whether what lies there is what records, dvc.lock, cache, event log and Git say: `breathline audit verify`."""
