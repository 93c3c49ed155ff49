"""Data validation: expectations, their execution by Great Expectations, and reports of the verdicts."""
