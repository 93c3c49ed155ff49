"""Defaults of the promotion; commands show them, and import nothing else for it."""

METRIC = "val.student.score_strict"  # key of `reports/scores.json`
MARGIN = 1.0  # maximum loss compared with the version in production, in points
STAGE = "production"  # registry stage whose version is compared and replaced
