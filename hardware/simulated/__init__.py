"""Simulated twins of devices and people. Whatever they make says that it is simulated."""
