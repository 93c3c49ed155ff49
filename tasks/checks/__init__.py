"""Data validation: checks, their execution by Great Expectations, and reports of their verdicts."""
