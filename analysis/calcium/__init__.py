"""Calcium imaging beside the face: regressors, correlations, and what they would be by chance."""
