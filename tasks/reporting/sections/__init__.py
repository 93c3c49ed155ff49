"""Sections of the report, one module each; `tasks.reporting.sections.registry` finds them."""
