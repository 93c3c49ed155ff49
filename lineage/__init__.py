"""Lineage: records of the stages, a tamper-evident event log, and audits of both."""
