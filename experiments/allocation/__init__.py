"""Double-blind allocation: a sealed list, packages with codes, and a log of everything that is done."""

from experiments.allocation.pill import minutes_since_pill, pill_moment, pill_warning, pills_taken

__all__ = ["minutes_since_pill", "pill_moment", "pill_warning", "pills_taken"]
