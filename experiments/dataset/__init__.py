"""The file contract between a session and its analysis. Imports nothing else of the suite."""
