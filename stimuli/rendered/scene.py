"""The posed head in front of the camera: geometry, light, and what each picture sample sees of it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from stimuli.rendered import skin
from stimuli.rendered.drawn_mesh import DrawnMesh, drawn_mesh
from stimuli.rendered.head import deform_person, eyes_middle, load_head
from stimuli.rendered.identities import Person
from stimuli.rendered.lighting import Lights, irradiance, scatter_in_skin, studio_lights
from stimuli.rendered.profiles import bell, smoothstep
from stimuli.rendered.rasterize import Camera, Coverage, rasterize, vertex_normals

WIDTH_PX, HEIGHT_PX = 600, 800
OVERSAMPLING = 2
CAMERA_DISTANCE_DM = 14.0
VISIBLE_HEIGHT_DM = 3.25
NECK_DM = (5.9, 6.7)
"""The head turns on the neck: not at all below the first height, fully above the second."""
NECK_PIVOT_DM = (0.0, 6.6, 0.0)

SHIRT_DM = 0.035
"""How far the shirt stands off the skin."""


@dataclass(frozen=True, kw_only=True)
class Studio:
    """How a photograph is taken: where the key light stands and how the head is held (degrees)."""

    key: tuple[float, float, float] = (-0.5, 0.55, 0.75)
    yaw_deg: float = 0.0
    pitch_deg: float = 0.0
    roll_deg: float = 0.0
    background: tuple[float, float, float] = (128 / 255, 128 / 255, 128 / 255)
    """Colour of the wall (sRGB, 0 to 1): the grey that videos have around the face, so that what a mask
    leaves of the wall beside a jaw is not seen."""
    exposure: float = 3.3


class Scene(NamedTuple):
    """The posed head: base vertices, drawn `points` (n, 3) with `normals`, camera, lights, mesh."""

    base: np.ndarray
    points: np.ndarray
    normals: np.ndarray
    camera: Camera
    lights: Lights
    mesh: DrawnMesh


def head_turn(studio: Studio) -> np.ndarray:
    """Return the rotation matrix (3, 3) of the head."""
    yaw, pitch, roll = np.radians([studio.yaw_deg, studio.pitch_deg, studio.roll_deg])
    about_y = np.array([[np.cos(yaw), 0, np.sin(yaw)], [0, 1, 0], [-np.sin(yaw), 0, np.cos(yaw)]])
    about_x = np.array([[1, 0, 0], [0, np.cos(pitch), -np.sin(pitch)], [0, np.sin(pitch), np.cos(pitch)]])
    about_z = np.array([[np.cos(roll), -np.sin(roll), 0], [np.sin(roll), np.cos(roll), 0], [0, 0, 1]])
    return about_z @ about_y @ about_x


def pose(points: np.ndarray, rest_y: np.ndarray, studio: Studio) -> np.ndarray:
    """Turn points (n, 3) about the top of the neck, as much as their height at rest (n,) lets them."""
    share = smoothstep(*NECK_DM, rest_y)[:, None]
    turned = (points - NECK_PIVOT_DM) @ head_turn(studio).T + NECK_PIVOT_DM
    return points * (1 - share) + turned * share


def build_scene(person: Person, expression: Mapping[str, float], studio: Studio) -> Scene:
    """Deform, pose and frame the head; the frame depends on the person's eyes at rest only."""
    head, mesh = load_head(), drawn_mesh()
    base = pose(deform_person(head, person.shape, expression), head.vertices[:, 1], studio)
    points = mesh.weights @ base
    normals = vertex_normals(points, mesh.triangles)
    relief = SHIRT_DM * smoothstep(0.0, 0.05, shirt_distance(mesh)) - skin.furrow_depth(mesh.rest, expression)
    points = points + normals * relief[:, None]
    normals = vertex_normals(points, mesh.triangles)
    neutral = deform_person(head, person.shape, {})
    middle = eyes_middle(head, pose(neutral, head.vertices[:, 1], studio))
    camera = Camera(
        (float(middle[0]), float(middle[1]) - 0.24, float(middle[2])),
        CAMERA_DISTANCE_DM,
        HEIGHT_PX * OVERSAMPLING / VISIBLE_HEIGHT_DM,
        WIDTH_PX * OVERSAMPLING,
        HEIGHT_PX * OVERSAMPLING,
    )
    return Scene(base, points, normals, camera, studio_lights(studio.key), mesh)


def shirt_distance(mesh: DrawnMesh) -> np.ndarray:
    """Return how far (n,) in dm a skin vertex lies inside the shirt (negative: above its collar)."""
    x, y, z = mesh.rest.T
    collar = 5.86 - 0.32 * smoothstep(-0.2, 1.0, z) - 0.10 * bell(x, 0, 0.4)
    collar = collar + 2 * smoothstep(0.8, 1.1, np.abs(x))
    distance = (collar - y).astype(np.float32)
    distance[mesh.n_skin :] = -1
    return distance


def light_on(scene: Scene) -> np.ndarray:
    """Return the RGB light at each vertex (n, 3), after scattering in the skin."""
    coarse = drawn_mesh(finest=False)
    occluder = coarse.weights @ scene.base
    light = irradiance(
        scene.points,
        scene.normals,
        occluder,
        coarse.triangles,
        scene.lights,
        centre=np.add(scene.camera.target, [0, -0.05, -0.8]),
    )
    n = scene.mesh.n_skin
    light[:n] = scatter_in_skin(light[:n], scene.mesh.neighbours)
    return light


def see(scene: Scene) -> Coverage:
    """Find what each picture sample shows; skin is drawn only where it faces the camera."""
    screen = scene.camera.project(scene.points)
    corners = screen[scene.mesh.triangles]
    a, b = corners[:, 1, :2] - corners[:, 0, :2], corners[:, 2, :2] - corners[:, 0, :2]
    front = a[:, 0] * b[:, 1] - a[:, 1] * b[:, 0] < 0
    drawn = np.flatnonzero(front | (scene.mesh.material != 0))
    seen = rasterize(
        screen,
        scene.mesh.triangles[drawn],
        width_px=scene.camera.width_px,
        height_px=scene.camera.height_px,
    )
    return seen._replace(triangle=drawn[seen.triangle])
