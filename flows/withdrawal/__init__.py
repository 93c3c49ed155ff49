"""Withdrawal of a patient: plan, exclusion, new run, erasure, proof and letter."""
