"""Evaluation: figures, intervals, curves and the report, from predictions on the test cycles."""
