"""Tests of the corpus SPRSound."""
