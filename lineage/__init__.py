"""Lineage: records of what made what, a log that cannot be rewritten unseen, and the questions asked of both."""
