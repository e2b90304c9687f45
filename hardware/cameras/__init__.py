"""Cameras behind one Protocol, and the recorder that loses no frame without saying so."""
