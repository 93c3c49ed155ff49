"""From predictions to scores, intervals, curves, figures and the report."""
