"""Processes of a run: process groups, their guard, the stage's DVC process, and the lock of a project."""
