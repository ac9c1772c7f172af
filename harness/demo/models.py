"""The five models of the demo: one champion and four challengers with a known place beside it.

Each is a plain scikit-learn classifier with the settings named here, fitted when its server
starts. Only what the one model needs is imported, because that is most of the start-up time.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Protocol

from harness.demo.dataset import BRIGHTEST

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from harness.demo.dataset import Half


class Classifier(Protocol):
    """What the server uses of a scikit-learn classifier."""

    def fit(self, X: NDArray[np.float64], y: NDArray[np.int64]) -> object: ...

    def predict_proba(self, X: NDArray[np.float64]) -> NDArray[np.float64]: ...


def _logistic_regression(inverse_penalty: float) -> Classifier:
    from sklearn.linear_model import LogisticRegression

    classifier: Classifier = LogisticRegression(C=inverse_penalty, max_iter=1000)
    return classifier


def _nearest_neighbours() -> Classifier:
    from sklearn.neighbors import KNeighborsClassifier

    classifier: Classifier = KNeighborsClassifier(n_neighbors=3)
    return classifier


def _gradient_boosting() -> Classifier:
    from sklearn.ensemble import HistGradientBoostingClassifier

    classifier: Classifier = HistGradientBoostingClassifier(
        max_iter=100, max_leaf_nodes=8, early_stopping=False, random_state=0
    )
    return classifier


CHAMPION = "logreg"

MODELS: Mapping[str, Callable[[], Classifier]] = {
    CHAMPION: lambda: _logistic_regression(1.0),
    # Better by more than two points of accuracy, and nearly as fast.
    "knn": _nearest_neighbours,
    # A thousandfold penalty: wrong on one image in six.
    "logreg-weak": lambda: _logistic_regression(1e-3),
    # As right as the champion; walks 1000 trees for an answer.
    "gradient-boosting": _gradient_boosting,
    # A shade better, by less than 900 requests can prove.
    "logreg-strong": lambda: _logistic_regression(10.0),
}


def fitted(name: str, training: Half) -> Classifier:
    """Build the model called `name` and fit it. KeyError for a name that is not in `MODELS`.

    From here on the whole process computes on one thread: five servers with a thread for each core
    would measure their thread pools' quarrel for the cores, not the models.
    """
    from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]  # ships no types

    classifier = MODELS[name]()
    threadpool_limits(limits=1)
    classifier.fit(training.pixels / BRIGHTEST, training.labels)
    return classifier
