"""The facial-mimicry task of Korb et al. (2023), as its "Stimuli and task" reads."""
