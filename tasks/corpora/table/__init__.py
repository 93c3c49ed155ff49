"""Corpus format `table`: a user's own recordings, described by one table or by annotation files beside the audio."""
