"""Facial expressions of mice, as Dolensek et al. (2020): from videos to every figure of the paper."""
