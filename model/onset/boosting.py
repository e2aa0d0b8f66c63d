"""What straight lines miss, by histogram gradient boosting: trees kept as plain arrays, never as code."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

import numpy as np

if TYPE_CHECKING:
    from model.types import FloatArray, IntArray

N_TREES = 40
LEARNING_RATE = 0.05
MAX_LEAVES = 8
MIN_ROWS_IN_LEAF = 500
MAX_BINS = 31  # Weighted quantiles for the usual 255 would take most of the time, and a thirtieth is fine enough.
LEAST_RATE = 1e-12


@dataclass(frozen=True)
class Trees:
    """A sum of trees on the log hazard; node 0 is the root, a leaf is its own child.

    Attributes
    ----------
    feature, left, right : (n_trees, n_nodes)
    threshold, value : (n_trees, n_nodes); a row goes left where its score is at most the threshold
    """

    feature: IntArray
    threshold: FloatArray
    left: IntArray
    right: IntArray
    value: FloatArray

    @classmethod
    def grow(cls, scores: FloatArray, events: FloatArray, expected: FloatArray, *, seed: int) -> Self:
        """Learn from events against what the linear model expects, both (n_rows,): Poisson, the expectation as offset.

        Without events there is nothing to learn, and the trees say nothing.

        scores : (n_rows, n_scores) without NaN
        """
        # Slow to import, and only learning needs it.
        from sklearn.ensemble import HistGradientBoostingRegressor  # noqa: PLC0415

        at_risk = expected > LEAST_RATE
        if not events[at_risk].any():
            stump = np.zeros((1, 1), dtype=np.int64)
            return cls(stump, np.zeros((1, 1)), stump, stump, np.zeros((1, 1)))
        machine = HistGradientBoostingRegressor(
            loss="poisson",
            learning_rate=LEARNING_RATE,
            max_iter=N_TREES,
            max_leaf_nodes=MAX_LEAVES,
            min_samples_leaf=MIN_ROWS_IN_LEAF,
            max_bins=MAX_BINS,
            l2_regularization=1.0,
            early_stopping=False,
            random_state=seed,
        )
        weight = expected[at_risk] / expected[at_risk].mean()
        machine.fit(scores[at_risk], events[at_risk] / expected[at_risk], sample_weight=weight)
        # The fitted trees have no public face; a test holds our reading of them against the machine's own prediction.
        nodes = [stage[0].nodes for stage in machine._predictors]  # noqa: SLF001
        size = max(len(tree) for tree in nodes)
        feature, left, right = (np.zeros((len(nodes), size), dtype=np.int64) for _ in range(3))
        threshold, value = np.zeros((len(nodes), size)), np.zeros((len(nodes), size))
        for row, tree in enumerate(nodes):
            here, leaf = np.arange(len(tree)), tree["is_leaf"].astype(bool)
            feature[row, here] = tree["feature_idx"]
            threshold[row, here] = tree["num_threshold"]
            left[row, here] = np.where(leaf, here, tree["left"])
            right[row, here] = np.where(leaf, here, tree["right"])
            value[row, here] = tree["value"]
        value[0] += machine._baseline_prediction.item()  # noqa: SLF001
        return cls(feature, threshold, left, right, value)

    def log_ratio(self, scores: FloatArray) -> FloatArray:
        """What the trees add to the log hazard, (n_rows,)."""
        total = np.zeros(len(scores))
        rows = np.arange(len(scores))
        for feature, threshold, left, right, value in zip(
            self.feature, self.threshold, self.left, self.right, self.value, strict=True
        ):
            node = np.zeros(len(scores), dtype=np.int64)
            while True:
                down = np.where(scores[rows, feature[node]] <= threshold[node], left[node], right[node])
                if (down == node).all():
                    break
                node = down
            total += value[node]
        return total
