"""Recorders of physiological signals, one file per family of device."""
