"""Figure 4: neurons that follow stimuli and faces. One function per panel, in the paper's order."""

from analysis.mouse_face.figure_4c import panel_4c
from analysis.mouse_face.figure_4d import panel_4d
from analysis.mouse_face.figure_4f import panel_4f
from analysis.mouse_face.figure_4h import panel_4h
from analysis.mouse_face.figure_4i import panel_4i

PANELS = {"4C": panel_4c, "4D": panel_4d, "4F": panel_4f, "4H": panel_4h, "4I": panel_4i}
"""Name -> function of data, parameters and rng."""

__all__ = ["PANELS", "panel_4c", "panel_4d", "panel_4f", "panel_4h", "panel_4i"]
