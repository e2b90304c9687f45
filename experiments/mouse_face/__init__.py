"""Facial expressions of head-fixed mice, after Dolensek et al. (2020)."""
