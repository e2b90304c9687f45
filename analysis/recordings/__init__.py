"""Readers of other people's recordings: files in, signals with names, units and events out."""
