"""Delivering stimuli to an animal: the line protocol, the host's side of it, limits and valves."""
