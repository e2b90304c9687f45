"""The hair of a person as two painted layers, behind and before the head."""

from typing import NamedTuple

import cv2
import numpy as np

from stimuli.rendered.hair import grow_hair, light_hair
from stimuli.rendered.head import deform_person, load_head
from stimuli.rendered.identities import Look, Person
from stimuli.rendered.profiles import smoothstep
from stimuli.rendered.rasterize import rasterize, vertex_normals
from stimuli.rendered.scene import OVERSAMPLING, Scene, Studio, build_scene, pose
from stimuli.rendered.skull import measure_skull
from stimuli.rendered.strands import colour_ramp, paint


class HairLayers(NamedTuple):
    """Premultiplied sRGB and coverage (rows, columns, 4) uint8, and the shade (rows, columns) on the skin."""

    behind: np.ndarray
    before: np.ndarray
    shade: np.ndarray


def paint_hair(person: Person, studio: Studio) -> HairLayers:
    """Grow, light and paint the hair on the head at rest in its pose; a pair's photographs share it."""
    scene = build_scene(person, {}, studio)
    points = scene.mesh.weights @ deform_person(load_head(), person.shape, {})
    normals = vertex_normals(points, scene.mesh.triangles)
    strands = grow_hair(person, points, normals, scene.mesh)
    style = person.look.hair_style
    skull = measure_skull(points, scene.mesh, with_ears=style.covers_ears)
    flat = strands.reshape(-1, 3)
    height = (np.linalg.norm(flat - skull.centre, axis=1) - skull.radius(flat)) / style.volume_dm
    posed = pose(flat, flat[:, 1], studio).reshape(strands.shape)
    lit = light_hair(posed, skull.centre, height.reshape(strands.shape[:2]), scene.lights, style)
    screen = scene.camera.project(posed.reshape(-1, 3)).reshape(strands.shape)
    before = _is_before(scene, screen)
    ramp = hair_ramp(person.look)
    shape = (scene.camera.height_px, scene.camera.width_px, 4)
    layers = [np.zeros(shape, np.uint8), np.zeros(shape, np.uint8)]
    paint(layers[0], screen, lit.shade, ramp)
    paint(layers[1], screen, lit.shade, ramp, keep=before)
    return HairLayers(layers[0], layers[1], _shade_below(layers[1]))


def hair_ramp(look: Look) -> np.ndarray:
    """Return the sRGB colours of a person's hair by brightness."""
    hair = np.array(look.hair)
    return colour_ramp(look.hair, tuple((0.55 * hair + 0.45 * np.array([0.95, 0.87, 0.78])).tolist()))


def _is_before(scene: Scene, screen: np.ndarray) -> np.ndarray:
    """Tell which points (n, k) lie before the head's surface, or beside it."""
    coarse = 4
    points = scene.camera.project(scene.points) / [coarse, coarse, 1]
    width, height = scene.camera.width_px // coarse, scene.camera.height_px // coarse
    seen = rasterize(points, scene.mesh.triangles, width_px=width, height_px=height)
    depth = np.full(width * height, np.inf, np.float32)
    depth[seen.pixel] = seen.depth
    column = np.clip(screen[..., 0] / coarse, 0, width - 1).astype(int)
    row = np.clip(screen[..., 1] / coarse, 0, height - 1).astype(int)
    return screen[..., 2] < depth[row * width + column] + 0.03


def _shade_below(layer: np.ndarray) -> np.ndarray:
    """Return how much light (rows, columns), 0..1, the hair leaves on the skin beside it."""
    coverage = layer[..., 3].astype(np.float32) / 255
    small = cv2.resize(coverage, None, fx=0.25, fy=0.25, interpolation=cv2.INTER_AREA)
    sigma = 3.5 * OVERSAMPLING / 2
    soft = cv2.GaussianBlur(small, (0, 0), sigma)
    lower = cv2.warpAffine(soft, np.array([[1, 0, 1.0], [0, 1, 3.0]]), soft.shape[::-1])
    wide = cv2.resize(np.maximum(lower, 0), coverage.shape[::-1], interpolation=cv2.INTER_LINEAR)
    return (1 - 0.5 * smoothstep(0.05, 0.9, wide)).astype(np.float32)
