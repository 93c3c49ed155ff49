"""The report: one HTML page made of sections, one module each."""
