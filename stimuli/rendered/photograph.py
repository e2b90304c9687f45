"""From a person, an expression and a studio to a photograph with exact positions."""

from collections.abc import Mapping
from typing import NamedTuple

import cv2
import numpy as np

from stimuli.rendered import skin
from stimuli.rendered.brows_and_lashes import grow_brows, grow_lashes
from stimuli.rendered.drawn_mesh import MATERIALS
from stimuli.rendered.expressions import Expression
from stimuli.rendered.eyes_and_teeth import (
    Gaze,
    eye_colour,
    lid_shade,
    lip_shade,
    teeth_colour,
    tongue_colour,
)
from stimuli.rendered.hair import scalp_distance
from stimuli.rendered.hair_layers import HairLayers, paint_hair
from stimuli.rendered.head import load_head
from stimuli.rendered.identities import Look, Person
from stimuli.rendered.profiles import along, normalized, smoothstep, to_linear, to_srgb
from stimuli.rendered.rasterize import Coverage
from stimuli.rendered.scene import (
    HEIGHT_PX,
    OVERSAMPLING,
    WIDTH_PX,
    Scene,
    Studio,
    build_scene,
    light_on,
    see,
    shirt_distance,
)
from stimuli.rendered.strands import colour_ramp, paint

HIGHLIGHT_COMPRESSION = 0.18
"""Strength with which bright light is compressed when a picture is developed."""


class Photograph(NamedTuple):
    """`rgb` (rows, columns, 3) uint8 and what is known about it exactly.

    `vertices_px` (n, 2) are the pictured positions of the drawn mesh's vertices, `pupils_px` (2, 2) those of
    the pupils, the one on the left of the picture first.
    """

    rgb: np.ndarray
    vertices_px: np.ndarray
    pupils_px: np.ndarray


class Columns(NamedTuple):
    """Vertex values that every picture sample needs, side by side in `values` (n, k)."""

    values: np.ndarray
    where: dict[str, slice]


def take_photograph(
    person: Person, expression: Mapping[str, float], studio: Studio, hair: HairLayers
) -> Photograph:
    """Render one photograph, `WIDTH_PX` x `HEIGHT_PX`, with hair from `paint_hair`."""
    scene = build_scene(person, expression, studio)
    light = light_on(scene)
    seen = see(scene)
    picture = _background(studio)
    lay_over(picture, hair.behind)
    shaded = _shade(scene, seen, _columns(scene, person.look, expression, light), person.look)
    shaded *= hair.shade.reshape(-1, 1)[seen.pixel]
    picture.reshape(-1, 3)[seen.pixel] = shaded * studio.exposure
    depth = np.full(scene.camera.width_px * scene.camera.height_px, np.inf, np.float32)
    depth[seen.pixel] = seen.depth
    _draw_brows_and_lashes(picture, scene, person.look, depth, studio)
    lay_over(picture, hair.before)
    return Photograph(develop(picture), *exact_positions(scene))


def exact_positions(scene: Scene) -> tuple[np.ndarray, np.ndarray]:
    """Return where the drawn vertices (n, 2) and the pupils (2, 2) of a scene are pictured, in pixels."""
    pupils = np.stack([_gaze(scene, name).pupil for name in ("eye_right", "eye_left")])
    return _pixel_position(scene, scene.points), _pixel_position(scene, pupils)


def _pixel_position(scene: Scene, points: np.ndarray) -> np.ndarray:
    """Return where points (n, 3) are pictured (n, 2), in pixels from the centre of the first pixel."""
    return scene.camera.project(points)[:, :2].astype(np.float64) / OVERSAMPLING - 0.5


def photograph_pair(
    person: Person, expressions: Mapping[str, Expression], studio: Studio
) -> dict[str, Photograph]:
    """Render one photograph per expression, all under the same light and in the same pose."""
    hair = paint_hair(person, studio)
    return {
        name: take_photograph(person, expression.face_units, studio, hair)
        for name, expression in expressions.items()
    }


def _gaze(scene: Scene, name: str) -> Gaze:
    """Return how an eye looks: straight ahead at the camera's height and depth."""
    eyeball = scene.base[np.unique(load_head().quads[name])]
    return Gaze(eyeball, scene.camera.position * [0.6, 1, 1] + [0.4 * eyeball[:, 0].mean(), 0, 0])


def develop(picture: np.ndarray) -> np.ndarray:
    """Compress highlights, average the samples of a pixel and encode as 8-bit sRGB."""
    soft = picture / (1 + HIGHLIGHT_COMPRESSION * picture)
    small = cv2.resize(soft, (WIDTH_PX, HEIGHT_PX), interpolation=cv2.INTER_AREA)
    return (np.clip(to_srgb(small), 0, 1) * 255 + 0.5).astype(np.uint8)


def _background(studio: Studio) -> np.ndarray:
    """Return an even wall that is developed to the studio's colour."""
    developed = to_linear(studio.background)
    wall = developed / (1 - HIGHLIGHT_COMPRESSION * developed)
    return np.tile(wall.astype(np.float32), (HEIGHT_PX * OVERSAMPLING, WIDTH_PX * OVERSAMPLING, 1))


def _columns(scene: Scene, look: Look, expression: Mapping[str, float], light: np.ndarray) -> Columns:
    mesh = scene.mesh
    parts = {
        "normal": scene.normals,
        "position": scene.points,
        "colour": skin.skin_colour(mesh, look, expression),
        "light": light,
        "texture": mesh.texture_dm,
        "beard": skin.beard_region(mesh)[:, None],
        "gloss": skin.gloss_map(mesh)[:, None],
        "smooth": (mesh.masks["inside_mouth"] + mesh.masks["lips"])[:, None],
        "shirt": shirt_distance(mesh)[:, None],
        "scalp": scalp_distance(mesh, look.hair_style)[:, None],
    }
    where, start = {}, 0
    for name, values in parts.items():
        where[name] = slice(start, start + values.shape[1])
        start += values.shape[1]
    return Columns(np.concatenate(list(parts.values()), 1).astype(np.float32), where)


def _shade(scene: Scene, seen: Coverage, columns: Columns, look: Look) -> np.ndarray:
    """Return the light (k, 3) from each sample to the camera, before exposure."""
    material = scene.mesh.material[seen.triangle]
    result = np.zeros((len(seen.pixel), 3), np.float32)
    camera = scene.camera.position.astype(np.float32)
    in_mouth = material >= MATERIALS["teeth_upper"]
    lit_mouth = np.ones(len(material), np.float32)
    if in_mouth.any():
        lit_mouth[in_mouth] = lip_shade(seen.pixel[in_mouth], scene.camera.width_px)
    for number, name in ((0, "skin"), (1, "eye_right"), (2, "eye_left"), (3, "teeth"), (4, "tongue")):
        chosen = material == number
        if not chosen.any():
            continue
        values = seen.where(chosen).interpolate(columns.values, scene.mesh.triangles)
        column = {key: values[:, part] for key, part in columns.where.items()}
        if name == "skin":
            result[chosen] = _shade_skin(column, camera, scene, look)
        elif name == "teeth":
            rest = seen.where(chosen).interpolate(scene.mesh.rest, scene.mesh.triangles)
            result[chosen] = teeth_colour(rest, column["light"]) * lit_mouth[chosen, None]
        elif name == "tongue":
            result[chosen] = tongue_colour(column["light"]) * lit_mouth[chosen, None]
        else:
            view = normalized(camera - column["position"])
            shade = lid_shade(seen.pixel[chosen], scene.camera.width_px)[:, None]
            light = column["light"] * shade
            result[chosen] = eye_colour(
                column["position"], view, light, _gaze(scene, name), look, scene.lights
            )
    return result


def _shade_skin(column: dict[str, np.ndarray], camera: np.ndarray, scene: Scene, look: Look) -> np.ndarray:
    view = normalized(camera - column["position"])
    normals = normalized(column["normal"])
    shirt = smoothstep(-0.004, 0.004, column["shirt"][:, 0]).astype(np.float32)
    rough = 0.055 * (1 - column["smooth"][:, 0]) * (1 - shirt)
    bumpy = skin.roughen(normals, column["texture"], rough)
    colour = skin.detail_colour(column["colour"], column["texture"], column["beard"][:, 0], look)
    colour += (to_linear(look.shirt) - colour) * shirt[:, None]
    scalp = 0.85 * smoothstep(-0.015, 0.05, column["scalp"]).astype(np.float32)
    colour += (0.22 * to_linear(look.hair) - colour) * scalp
    light = column["light"]
    lights = scene.lights
    diffuse = colour * light * (1 + 1.1 * along(bumpy - normals, lights.key.astype(np.float32)))[:, None]
    directions = np.stack([lights.key, lights.fill, normalized(np.array([0.0, 0.9, 0.45]))])
    shiny = skin.gloss(bumpy, view, directions, np.array([1.0, 0.45, 0.35], np.float32))
    reached = np.clip(light.mean(1) / np.percentile(light, 97), 0, 1)
    amount = 0.11 * look.gloss * column["gloss"][:, 0] * (1 - 0.9 * shirt)
    return diffuse + (shiny * reached * amount)[:, None]


def _draw_brows_and_lashes(
    picture: np.ndarray, scene: Scene, look: Look, depth: np.ndarray, studio: Studio
) -> None:
    canvas = np.zeros((*picture.shape[:2], 4), np.uint8)
    hair, skin_colour = np.array(look.hair), np.array(look.skin)
    ramp = colour_ramp(tuple(0.85 * hair + 0.15 * skin_colour), tuple(0.6 * hair + 0.4 * skin_colour))
    lash_ramp = colour_ramp(tuple(0.06 + 0.3 * skin_colour), tuple(0.03 + 0.6 * skin_colour))
    for strands, colours in (
        (grow_brows(look, scene.points, scene.normals), ramp),
        (grow_lashes(look, scene.base), lash_ramp),
    ):
        screen = scene.camera.project(strands.points.reshape(-1, 3)).reshape(strands.points.shape)
        paint(canvas, screen, strands.shade, colours)
    lay_over(picture, canvas)


def lay_over(picture: np.ndarray, canvas: np.ndarray) -> None:
    """Lay painted strands (premultiplied sRGB and coverage, uint8) over a linear picture, in place."""
    rows, columns = np.nonzero(canvas[..., 3])
    if not len(rows):
        return
    layer = canvas[rows, columns].astype(np.float32) / 255
    coverage = layer[:, 3:]
    colour = to_linear(np.clip(layer[:, :3] / np.maximum(coverage, 1 / 255), 0, 1))
    picture[rows, columns] = picture[rows, columns] * (1 - coverage) + colour * coverage
