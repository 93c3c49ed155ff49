"""Whether a source has new recordings, and whether what was learned from them may replace what is in production."""
