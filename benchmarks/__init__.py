"""What is claimed to be fast, measured side by side."""
