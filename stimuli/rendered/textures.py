"""Periodic skin textures and how they are sampled."""

import functools

import cv2
import numpy as np

TILE_PX = 1024
TILE_DM = 2.0
"""A tile of `TILE_PX` pixels covers `TILE_DM` decimetres of skin and repeats without a seam."""


def _spectrum(seed: int, shortest_dm: float, longest_dm: float, slope: float) -> np.ndarray:
    """Return periodic noise with wavelengths in a band, zero mean, unit SD."""
    noise = np.random.default_rng(seed).standard_normal((TILE_PX, TILE_PX))
    frequency = np.fft.fftfreq(TILE_PX, TILE_DM / TILE_PX)
    radius = np.hypot(frequency[:, None], frequency[None, : TILE_PX // 2 + 1])
    gain = np.where(radius > 0, np.maximum(radius, 1e-9) ** slope, 0)
    gain *= np.exp(-((radius * shortest_dm) ** 2)) * (1 - np.exp(-((radius * longest_dm) ** 2)))
    result = np.fft.irfft2(np.fft.rfft2(noise) * gain, s=noise.shape)
    return ((result - result.mean()) / result.std()).astype(np.float32)


def _dots(seed: int, n_dots: int, radius_px: tuple[float, float]) -> np.ndarray:
    """Return a periodic picture (0..1) of soft dots of random size and strength."""
    rng = np.random.default_rng(seed)
    picture = np.zeros((TILE_PX, TILE_PX), np.float32)
    centres = rng.integers(0, TILE_PX, (n_dots, 2))
    radii = rng.uniform(*radius_px, n_dots)
    strengths = rng.uniform(0.35, 1, n_dots)
    for centre, radius, strength in zip(centres.tolist(), radii, strengths, strict=True):
        for dx in (-TILE_PX, 0, TILE_PX):
            for dy in (-TILE_PX, 0, TILE_PX):
                x, y = centre[0] + dx, centre[1] + dy
                if -8 < x < TILE_PX + 8 and -8 < y < TILE_PX + 8:
                    cv2.circle(
                        picture, (x * 16, y * 16), int(radius * 16), float(strength), -1, cv2.LINE_8, 4
                    )
    return cv2.GaussianBlur(np.pad(picture, 8, "wrap"), (0, 0), 1.2)[8:-8, 8:-8]


@functools.cache
def tile(name: str) -> np.ndarray:
    """Return a tile (TILE_PX, TILE_PX) float32.

    ``blotches`` and ``mottle`` are noise of unit SD; ``pore_slope_x`` and ``pore_slope_y`` the slopes of a
    pore relief (unit SD); ``freckles`` and ``stubble`` are dots in 0..1.
    """
    if name == "blotches":
        return _spectrum(11, 0.05, 0.5, -1.0)
    if name == "mottle":
        return _spectrum(12, 0.008, 0.05, -0.4)
    if name in ("pore_slope_x", "pore_slope_y"):
        relief = _spectrum(13, 0.006, 0.03, -0.2)
        padded = np.pad(relief, 1, mode="wrap")
        slope = np.gradient(padded, axis=1 if name.endswith("x") else 0)[1:-1, 1:-1]
        return (slope / slope.std()).astype(np.float32)
    if name == "freckles":
        return _dots(14, 900, (1.2, 3.6))
    if name == "stubble":
        return _dots(15, 30000, (0.5, 1.1))
    raise KeyError(f"there is no texture named {name!r}")


def sample(name: str, position_dm: np.ndarray, offset_dm: tuple[float, float] = (0, 0)) -> np.ndarray:
    """Sample a tile at skin positions (n, 2) in dm; returns (n,) float32."""
    scale = TILE_PX / TILE_DM
    x = ((position_dm[:, 0] + offset_dm[0]) * scale) % TILE_PX
    y = ((position_dm[:, 1] + offset_dm[1]) * scale) % TILE_PX
    return remap_flat(tile(name), x, y, border=cv2.BORDER_WRAP)


def remap_flat(picture: np.ndarray, x_px: np.ndarray, y_px: np.ndarray, *, border: int) -> np.ndarray:
    """Sample a picture bilinearly at n points; outside it repeats or is 0, as `border` says.

    cv2.remap takes maps with sides below 32767 only, so the points are laid out as a block.
    """
    n, side = len(x_px), 2048
    maps = np.zeros((2, -(-max(n, 1) // side) * side), np.float32)
    maps[0, :n], maps[1, :n] = x_px, y_px
    values = cv2.remap(
        picture, maps[0].reshape(-1, side), maps[1].reshape(-1, side), cv2.INTER_LINEAR, borderMode=border
    )
    return values.reshape(-1, *picture.shape[2:])[:n]
