"""XDF files as rows of chunks: where a file that was cut off still is whole.

pyxdf reads a file that ends within samples, but not one that ends within another chunk.
"""

from __future__ import annotations

MAGIC = b"XDF:"


def whole_length(content: bytes) -> int:
    """Return how many bytes of an XDF file are whole chunks; the rest was cut off in the middle of one.

    Parameters
    ----------
    content : bytes
        The file.

    Returns
    -------
    int
        Length up to the end of the last whole chunk; 0 when it is not XDF.

    Examples
    --------
    >>> whole_length(b"XDF:" + bytes([1, 4, 5, 0, 7, 7]) + bytes([1, 20, 3, 0, 7]))
    10
    """
    if not content.startswith(MAGIC):
        return 0
    end = len(MAGIC)
    while end < len(content) and (width := content[end]) in (1, 4, 8):
        following = end + 1 + width + int.from_bytes(content[end + 1 : end + 1 + width], "little")
        if end + 1 + width > len(content) or following > len(content):
            break
        end = following
    return end
