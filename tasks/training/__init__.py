"""Training jobs: settings of teachers, processes, torch set-up, progress."""
