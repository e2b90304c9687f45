"""The facial-mimicry analysis of Korb et al. (2023), in the order of the paper's "Analyses"."""
