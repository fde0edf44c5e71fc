"""Logistic regression with an L2 penalty, solved by the products of the examples with each other.

With n rows of d numbers the weights are ``rowsᵀ · coefficients``, so that everything happens in n numbers for each
state and d, which is larger, does not matter. Minimised is ``Σ wᵢ · cross-entropyᵢ + λ/2 · |weights|²``; the bias costs
nothing. For two states there is one logistic function, and for more a softmax.

The method is Newton's, with each step found by conjugate gradients, in the metric of the Gram matrix: there the
curvature is at least λ everywhere, and a few products with the matrix are enough for a step.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

__all__ = ["PENALTY", "DualProblem", "Solution", "class_shares", "row_weights", "softmax"]

PENALTY = 0.02
"""λ, when the weights of all rows add up to 1."""

MOST_STEPS = 50
MOST_DIRECTIONS = 60  # of conjugate gradients in one step
ENOUGH = 2e-5  # of the gradient at zero: labels do not change after that
SMALLEST_STEP = 1e-4
SUFFICIENT = 1e-4  # the share of the promised decrease that a step must keep (Armijo)

Floats = NDArray[np.float32]


@dataclass(frozen=True, slots=True, eq=False)
class Solution:
    """``coefficients`` of shape ``(rows, columns)`` and ``bias`` ``(columns,)``, and the ``scores`` of the rows.

    There is one column for each state, but only one for two states: that of the second one.
    """

    coefficients: Floats
    bias: Floats
    scores: Floats


@dataclass(frozen=True, slots=True, eq=False)
class _Point:
    """Coefficients and bias, and their products with the Gram matrix; a direction is one, too."""

    coefficients: Floats
    bias: Floats
    products: Floats

    def plus(self, other: _Point, factor: float) -> _Point:
        step = np.float32(factor)
        return _Point(
            self.coefficients + step * other.coefficients,
            self.bias + step * other.bias,
            self.products + step * other.products,
        )

    def dot(self, other: _Point) -> float:
        """Return the inner product in the metric of the Gram matrix."""
        return float(np.vdot(self.coefficients, other.products) + np.vdot(self.bias, other.bias))

    @property
    def scores(self) -> Floats:
        return self.products + self.bias


class DualProblem:
    """The rows of examples, as their *gram* matrix ``(n, n)``, and their *labels*: numbers of the *states*."""

    def __init__(self, gram: Floats, labels: NDArray[np.intp], states: int) -> None:
        self._gram = gram
        self._columns = 1 if states == 2 else states
        targets = np.arange(states) == labels[:, np.newaxis]
        self._targets = targets[:, -self._columns :].astype(np.float32)

    def solve(self, weights: Floats, start: Solution | None = None) -> Solution:
        """Return the solution for rows of these *weights*, ``(n,)``: a row of weight 0 does not count.

        A *start* near the solution, such as that of slightly other weights, saves most of the work.
        """
        zero = self._point(np.zeros_like(self._targets), np.zeros(self._columns, np.float32))
        gradient = self._gradient(zero, weights)
        enough = ENOUGH**2 * gradient.dot(gradient)
        point = zero
        if start is not None:
            point = _Point(start.coefficients, start.bias, start.scores - start.bias)
            gradient = self._gradient(point, weights)
        for _ in range(MOST_STEPS):
            if gradient.dot(gradient) <= enough:
                break
            direction = self._newton_direction(point, gradient, weights)
            moved = self._search(point, direction, gradient, weights)
            if moved is None:
                break  # as near as float32 comes
            point, gradient = moved, self._gradient(moved, weights)
        return Solution(point.coefficients, point.bias, point.scores)

    def _point(self, coefficients: Floats, bias: Floats) -> _Point:
        return _Point(coefficients, bias, self._gram @ coefficients)

    def _probabilities(self, scores: Floats) -> Floats:
        return class_shares(scores)[:, -self._columns :]

    def _gradient(self, point: _Point, weights: Floats) -> _Point:
        errors = weights[:, np.newaxis] * (self._probabilities(point.scores) - self._targets)
        return self._point(errors + np.float32(PENALTY) * point.coefficients, errors.sum(axis=0))

    def _loss(self, point: _Point, weights: Floats) -> float:
        scores = _all_columns(point.scores)
        largest = scores.max(axis=1)
        entropy = largest + np.log(np.exp(scores - largest[:, np.newaxis]).sum(axis=1))
        entropy -= (point.scores * self._targets).sum(axis=1)
        return float(np.vdot(weights, entropy)) + PENALTY / 2 * float(np.vdot(point.coefficients, point.products))

    def _curved(self, direction: _Point, probabilities: Floats, weights: Floats) -> _Point:
        """Return the Hessian's product with *direction*; its own products with the Gram matrix are not made."""
        weighted = probabilities * direction.scores
        change = weights[:, np.newaxis] * (weighted - probabilities * weighted.sum(axis=1, keepdims=True))
        return _Point(
            change + np.float32(PENALTY) * direction.coefficients, change.sum(axis=0), np.zeros_like(direction.products)
        )

    def _newton_direction(self, point: _Point, gradient: _Point, weights: Floats) -> _Point:
        """Return where Newton's step leads, as exactly as it is worth now: conjugate gradients."""
        probabilities = self._probabilities(point.scores)
        rest = gradient.plus(gradient, -2.0)
        direction, found = rest, rest.plus(rest, -1.0)
        before = rest.dot(rest)
        enough = min(0.1, before**0.25) ** 2 * before
        for _ in range(MOST_DIRECTIONS):
            curved = self._curved(direction, probabilities, weights)
            curvature = float(np.vdot(direction.products, curved.coefficients) + np.vdot(direction.bias, curved.bias))
            if curvature <= 0:
                break
            step = np.float32(before / curvature)
            found = found.plus(direction, before / curvature)
            rest = self._point(rest.coefficients - step * curved.coefficients, rest.bias - step * curved.bias)
            after = rest.dot(rest)
            if after <= enough:
                break
            direction, before = rest.plus(direction, after / before), after
        return found

    def _search(self, point: _Point, direction: _Point, gradient: _Point, weights: Floats) -> _Point | None:
        """Return the point after the longest step of 1, ½, ¼, … along *direction* that lowers the loss enough."""
        loss, slope = self._loss(point, weights), direction.dot(gradient)
        step = 1.0
        while step > SMALLEST_STEP:
            moved = point.plus(direction, step)
            if self._loss(moved, weights) <= loss + SUFFICIENT * step * slope:
                return moved
            step /= 2
        return None


def softmax(scores: Floats) -> Floats:
    """Return the probabilities of *scores*, along the last side."""
    powers = np.exp(scores - scores.max(axis=-1, keepdims=True))
    shares: Floats = powers / powers.sum(axis=-1, keepdims=True)
    return shares


def row_weights(labels: NDArray[np.intp], states: int, left_out: Iterable[int] = ()) -> Floats:
    """Return weights of rows that add up to 1, every state weighing the same; those that are *left_out* weigh 0."""
    counts = np.ones(len(labels), np.bool_)
    counts[list(left_out)] = False
    sizes = np.bincount(labels[counts], minlength=states)
    weights = counts / np.maximum(sizes, 1)[labels] / max(1, np.count_nonzero(sizes))
    shares: Floats = weights.astype(np.float32)
    return shares


def class_shares(scores: Floats) -> Floats:
    """Return the probability of every state, for *scores* as a `Solution` has them."""
    return softmax(_all_columns(scores))


def _all_columns(scores: Floats) -> Floats:
    """Return *scores* with a zero before a single one: the score of the first of two states."""
    if scores.shape[-1] > 1:
        return scores
    return np.concatenate([np.zeros_like(scores), scores], axis=-1)
