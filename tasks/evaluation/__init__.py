"""From predictions on the test cycles to figures, intervals, curves and the report."""
