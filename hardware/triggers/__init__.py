"""Senders of trigger codes, one file per family of device."""
