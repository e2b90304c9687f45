"""Keeps pytest from importing JAX when it collects doctests: its threads would stay in the tests' process."""

collect_ignore = ["asymptotic_worker.py"]
