"""Plain loaders with the habits of the published ones, to measure against."""
