"""Array types and the few array helpers that all modules of the twin share.

Belongs here: names for numpy types, and helpers without any knowledge of health data.
Does not belong here: anything with a unit.
"""

import numpy as np
from numpy.typing import NDArray

I64 = NDArray[np.int64]
F64 = NDArray[np.float64]
U8 = NDArray[np.uint8]
Bools = NDArray[np.bool_]
Bytes = NDArray[np.bytes_]

_HEX = np.frombuffer(b"0123456789abcdef", dtype=np.uint8)
_HEX_AT = np.array([i for i in range(36) if i not in (8, 13, 18, 23)])


def uuids(rng: np.random.Generator, n: int) -> Bytes:
    """Random ids in the form of a version 3 UUID, which is what Health Connect assigns."""
    nibbles = rng.integers(0, 16, size=(n, 32), dtype=np.uint8)
    nibbles[:, 12] = 3
    nibbles[:, 16] = 8 | (nibbles[:, 16] & 3)
    text = np.full((n, 36), ord("-"), dtype=np.uint8)
    text[:, _HEX_AT] = _HEX[nibbles]
    return text.reshape(n * 36).view("S36") if n else np.zeros(0, dtype="S36")


def ints(values: F64 | I64) -> I64:
    """Round to whole numbers."""
    return np.rint(values).astype(np.int64)


def smooth_noise(rng: np.random.Generator, n: int, *, sd: float, memory: int) -> F64:
    """Noise whose neighbours resemble each other, with the given SD; `memory` is in samples."""
    kernel = np.exp(-np.arange(4 * memory) / memory)
    white = rng.normal(size=n + len(kernel))
    return np.asarray(np.convolve(white, kernel / np.sqrt(np.sum(kernel**2)), mode="valid")[:n] * sd)


def ragged_index(starts: I64, counts: I64) -> I64:
    """Indexes `starts[i] .. starts[i] + counts[i]` of all i, one after the other."""
    ends = np.cumsum(counts)
    if not len(ends):
        return np.zeros(0, dtype=np.int64)
    return np.asarray(np.arange(ends[-1]) + np.repeat(starts - (ends - counts), counts))
