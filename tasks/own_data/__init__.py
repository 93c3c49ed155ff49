"""Import of a user's own recordings: tables and annotation files of any kind become one normalised table."""
