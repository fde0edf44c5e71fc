"""Asks scikit-learn's LogisticRegression; runs in the environment that scripts/peers makes for it."""

from __future__ import annotations

from importlib import import_module

from tests.peers.framing import Array
from tests.peers.serving import Answer, serve

linear_model = import_module("sklearn.linear_model")


def classify(rows: Array, labels: Array, others: Array, penalty: float) -> Answer:
    """Labels and probabilities of *others*, after learning *rows*; *penalty* is λ, where all weights add up to 1."""
    model = linear_model.LogisticRegression(
        C=1 / (penalty * len(rows)), class_weight="balanced", tol=1e-8, max_iter=10_000
    )
    model.fit(rows, labels)
    return {}, [model.predict(others), model.predict_proba(others)]


if __name__ == "__main__":
    serve({"classify": classify})
