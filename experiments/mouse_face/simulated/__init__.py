"""Simulated mice: whole studies whose truth is known."""
