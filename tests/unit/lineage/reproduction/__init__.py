"""Tests of `lineage.reproduction`."""
