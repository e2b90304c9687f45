"""Facial electromyography: filters, epochs, outliers, windows. Arrays and tables in, new ones out."""
