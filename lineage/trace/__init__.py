"""Traces: causes of an artifact, and effects of a recording or patient."""
