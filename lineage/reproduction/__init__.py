"""Reproduction of stages: another run from recorded code, parameters and inputs, compared with the recorded outs."""
