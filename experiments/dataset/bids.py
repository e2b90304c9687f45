"""A study's folder in BIDS: made, filled by sessions as they close, and by imported recordings.

Nothing here ever overwrites a file. What belongs to a participant appears all at once, when everything is
written.
"""

from __future__ import annotations

from experiments.dataset.foreign_recording import add_recording
from experiments.dataset.live_session import close_session
from experiments.dataset.study import add_participant, create_study

__all__ = ["add_participant", "add_recording", "close_session", "create_study"]
