"""What is wired: triggers, recorders, rigs, and the simulated twins of each."""
