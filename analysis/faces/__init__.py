"""Faces of mice: from video to descriptors, and from descriptors to expressions."""
