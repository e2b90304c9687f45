"""Questionnaires and forms of the session: one question per page, in a window."""
