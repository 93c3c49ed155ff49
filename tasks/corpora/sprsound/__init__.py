"""Corpus SPRSound: the SJTU Paediatric Respiratory Sound Database."""
