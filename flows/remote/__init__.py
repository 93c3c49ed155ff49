"""Stages on other machines: Git carries the commit, the DVC remote carries the data, in both directions."""
