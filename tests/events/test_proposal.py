"""Thresholds are proposed where scores fall into two groups, and nowhere else."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edged.events.proposal import FEWEST, NoProposal, Proposal, Scores, propose


def come_and_go(rng: np.random.Generator, away: float, there: float, noise: float, frames: int = 600) -> Scores:
    """A thing that is there for every second hundred frames."""
    return np.asarray(np.where(np.arange(frames) // 100 % 2, there, away) + rng.normal(0, noise, frames), np.float64)


@given(st.floats(-0.5, 0.5), st.floats(0.05, 0.4), st.floats(0.0005, 0.1), st.integers(0, 2**32 - 1))
def test_two_groups_are_parted_in_the_middle(away: float, distance: float, share: float, seed: int) -> None:
    noise = distance * share
    proposal = propose(come_and_go(np.random.default_rng(seed), away, away + distance, noise))
    assert isinstance(proposal, Proposal)
    assert proposal.valley == pytest.approx(away + distance / 2, abs=0.15 * distance)
    assert away < proposal.leave < proposal.enter < away + distance
    assert proposal.noise == pytest.approx(noise, rel=0.3)
    assert proposal.there.share == 0.5
    assert (proposal.there.median, proposal.away.median) == pytest.approx((away + distance, away), abs=noise)


@pytest.mark.parametrize(
    "draw",
    [
        lambda rng: rng.normal(0.9, 0.01, 1000),
        lambda rng: rng.uniform(0.5, 0.9, 1000),
        lambda rng: 0.9 - rng.exponential(0.02, 1000),
        lambda rng: np.linspace(0.8, 0.9, 1000) + rng.normal(0, 0.002, 1000),  # the light changes
        lambda rng: np.full(1000, 0.9),
        lambda rng: np.append(rng.normal(0.9, 0.01, 1000), [0.1, 0.1, 0.1]),  # a few strange frames
        lambda rng: come_and_go(rng, 0.80, 0.82, 0.01),  # too near
    ],
)
def test_one_group_gets_no_thresholds(draw: Callable[[np.random.Generator], Scores]) -> None:
    for seed in range(5):
        verdict = propose(draw(np.random.default_rng(seed)))
        assert isinstance(verdict, NoProposal)
        assert "one group" in verdict.reason


def test_a_narrow_group_beside_a_broad_one_is_not_mistaken_for_a_part_of_it() -> None:
    rng = np.random.default_rng(1)
    proposal = propose(np.concatenate([rng.uniform(0.5, 0.88, 500), rng.normal(0.94, 0.006, 500)]))
    assert isinstance(proposal, Proposal)
    assert 0.87 < proposal.leave < proposal.enter < 0.93  # halfway between the means would be 0.81


def test_a_thing_that_is_seldom_there_is_found() -> None:
    rng = np.random.default_rng(1)
    proposal = propose(np.concatenate([rng.normal(0.5, 0.05, 9700), rng.normal(0.9, 0.02, 300)]))
    assert isinstance(proposal, Proposal)
    assert 0.66 < proposal.leave < proposal.enter < 0.85
    assert proposal.there.share == pytest.approx(0.03)


def test_the_thresholds_are_farther_apart_where_the_score_trembles_more() -> None:
    rng = np.random.default_rng(1)
    bands = []
    for noise in (0.0, 0.004, 0.012):
        proposal = propose(come_and_go(rng, 0.6, 0.9, noise))
        assert isinstance(proposal, Proposal)
        bands.append(proposal.enter - proposal.leave)
    assert bands == pytest.approx([0.01, 0.024, 0.072], rel=0.2)


def test_groups_that_tremble_into_each_other_get_no_thresholds() -> None:
    rng = np.random.default_rng(1)
    hasty = np.where(np.arange(1200) // 100 % 2, 0.88, 0.86) + 0.006 * rng.choice([-1.5, -0.5, 0.5, 1.5], 1200)
    verdict = propose(hasty)
    assert isinstance(verdict, NoProposal)
    assert "from one frame to the next they tremble by 0.00" in verdict.reason


def test_too_few_scores_are_reported() -> None:
    verdict = propose(np.linspace(0, 1, FEWEST - 1))
    assert isinstance(verdict, NoProposal)
    assert "only 59 scores" in verdict.reason
