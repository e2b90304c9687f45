"""Figure 3: time course of expressions, and expressions evoked by light. One function per panel."""

from analysis.mouse_face.figure_3a import panel_3a
from analysis.mouse_face.figure_3b import panel_3b
from analysis.mouse_face.figure_3f import panel_3f
from analysis.mouse_face.figure_3g import panel_3g
from analysis.mouse_face.figure_3i import panel_3i

PANELS = {"3A": panel_3a, "3B": panel_3b, "3F": panel_3f, "3G": panel_3g, "3I": panel_3i}
"""Name -> function of data, parameters and rng."""

__all__ = ["PANELS", "panel_3a", "panel_3b", "panel_3f", "panel_3g", "panel_3i"]
