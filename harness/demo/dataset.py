"""The handwritten digits, and which half of them is for what.

1797 images of 8×8 pixels from the UCI Optical Recognition of Handwritten Digits test set, as they
ship with scikit-learn. One half trains every model, the other half is what users of the demo ask
about, so that no model has seen what it is judged on.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from harness.errors import UsageError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

BRIGHTEST = 16
"""Pixels are whole numbers from 0 to 16; models see them divided by this."""

# The first seed there is. It has a say in the verdicts: see fixtures/README.md for other seeds.
SPLIT_SEED = 0


@dataclass(frozen=True, slots=True)
class Half:
    """One half of the images.

    Attributes:
        pixels: One row of 64 for each image, 0 to 16, row by row from the top left.
        labels: The digit that each image shows.
    """

    pixels: NDArray[np.float64]
    labels: NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Halves:
    """All images, each in exactly one half, with the ten digits in like shares."""

    training: Half
    asked: Half


def split(seed: int = SPLIT_SEED) -> Halves:
    """Split the images by `seed`.

    Raises:
        UsageError: scikit-learn is not installed.
    """
    try:
        from sklearn.datasets import load_digits
        from sklearn.model_selection import train_test_split
    except ImportError as exc:
        raise UsageError(
            "harness.demo: scikit-learn is not installed, the bundled models need it. "
            "Install it with `pip install 'shadow-harness[demo]'`"
        ) from exc
    pixels, labels = load_digits(return_X_y=True)
    train_x, asked_x, train_y, asked_y = train_test_split(
        pixels, labels, test_size=0.5, random_state=seed, stratify=labels
    )
    return Halves(training=Half(train_x, train_y), asked=Half(asked_x, asked_y))
