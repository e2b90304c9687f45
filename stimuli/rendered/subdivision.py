"""Catmull-Clark subdivision of quad meshes as one sparse matrix."""

from typing import NamedTuple

import numpy as np
import scipy.sparse as sp


class Subdivision(NamedTuple):
    """Result of subdividing: new vertices are ``weights @ old``, joined by `quads`.

    `weights` has shape (n_new, n_old), `quads` (n_quads, 4).
    """

    weights: sp.csr_matrix
    quads: np.ndarray


def subdivide(quads: np.ndarray, n_vertices: int, *, levels: int) -> Subdivision:
    """Subdivide `levels` times; borders follow the cubic B-spline rule of the boundary.

    Parameters
    ----------
    quads : (n_quads, 4) int array
        Vertex numbers, 0-based.
    n_vertices : int
    levels : int
        0 returns the mesh unchanged.

    References
    ----------
    Catmull & Clark (1978), doi:10.1016/0010-4485(78)90110-0.

    Examples
    --------
    >>> result = subdivide(np.array([[0, 1, 2, 3]]), 4, levels=1)
    >>> result.weights.shape, result.quads.shape
    ((9, 4), (4, 4))
    """
    weights = sp.identity(n_vertices, format="csr")
    for _ in range(levels):
        step = _subdivide_once(np.asarray(quads), weights.shape[0])
        weights, quads = (step.weights @ weights).tocsr(), step.quads
    return Subdivision(weights.astype(np.float32), np.asarray(quads))


def _incidence(rows: np.ndarray, columns: np.ndarray, shape: tuple[int, int]) -> sp.csr_matrix:
    return sp.csr_matrix((np.ones(rows.size), (rows.ravel(), columns.ravel())), shape)


def _subdivide_once(quads: np.ndarray, n_vertices: int) -> Subdivision:
    n_quads = len(quads)
    corners = np.sort(np.stack([quads, np.roll(quads, -1, 1)], 2).reshape(-1, 2), 1)
    edges, edge_of_side, n_sides = np.unique(corners, axis=0, return_inverse=True, return_counts=True)
    edge_of_side = edge_of_side.reshape(n_quads, 4)
    n_edges = len(edges)
    quad_number = np.repeat(np.arange(n_quads), 4)
    edge_number = np.repeat(np.arange(n_edges), 2)
    on_border = n_sides == 1

    face_points = _incidence(quad_number, quads, (n_quads, n_vertices)) * 0.25
    middles = _incidence(edge_number, edges, (n_edges, n_vertices)) * 0.5
    faces_of_edge = _incidence(edge_of_side, quad_number, (n_edges, n_quads))
    edge_points = sp.diags(np.where(on_border, 1.0, 0.5)) @ middles + sp.diags(
        np.where(on_border, 0.0, 0.25)
    ) @ (faces_of_edge @ face_points)

    vertex_points = _smooth_vertices(quads, edges, on_border, face_points, middles, n_vertices)
    weights = sp.vstack([vertex_points, edge_points, face_points]).tocsr()
    side = edge_of_side + n_vertices
    centre = np.arange(n_quads) + n_vertices + n_edges
    children = [np.stack([quads[:, i], side[:, i], centre, side[:, i - 1]], 1) for i in range(4)]
    return Subdivision(weights, np.stack(children, 1).reshape(-1, 4))


def _smooth_vertices(
    quads: np.ndarray,
    edges: np.ndarray,
    on_border: np.ndarray,
    face_points: sp.csr_matrix,
    middles: sp.csr_matrix,
    n_vertices: int,
) -> sp.csr_matrix:
    """Return the weights (n_vertices, n_vertices) that move the old vertices."""
    n_quads, n_edges = len(quads), len(edges)
    faces_of_vertex = _incidence(quads, np.repeat(np.arange(n_quads), 4), (n_vertices, n_quads))
    edges_of_vertex = _incidence(edges, np.repeat(np.arange(n_edges), 2), (n_vertices, n_edges))
    n_faces = np.maximum(np.asarray(faces_of_vertex.sum(1)).ravel(), 1)
    n_ends = np.maximum(np.asarray(edges_of_vertex.sum(1)).ravel(), 1)
    inside = (
        sp.diags(1 / n_faces**2) @ (faces_of_vertex @ face_points)
        + sp.diags(2 / (n_faces * n_ends)) @ (edges_of_vertex @ middles)
        + sp.diags((n_faces - 3) / n_faces)
    )
    border_edges = edges_of_vertex @ sp.diags(on_border.astype(float))
    n_border = np.asarray(border_edges.sum(1)).ravel()
    # 3/4 of the vertex and 1/8 of each of its two neighbours on the border
    along = sp.diags(0.75 - 0.125 * n_border) + 0.25 * (border_edges @ middles)
    is_border = n_border > 0
    return sp.diags(is_border.astype(float)) @ along + sp.diags((~is_border).astype(float)) @ inside
