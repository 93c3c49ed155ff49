"""Search for data of a patient in all outs."""
