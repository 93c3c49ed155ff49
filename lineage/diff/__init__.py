"""What differs between two runs: in data, code, parameters, environment and numbers."""
