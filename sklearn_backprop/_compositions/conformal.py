"""Intervals and sets with a guarantee, from rows that members were not trained on (CV+).

R. F. Barber, E. J. Candès, A. Ramdas and R. J. Tibshirani, "Predictive inference with the
jackknife+", Annals of Statistics 49 (2021), section 3.2; for scores other than residuals
Y. Romano, E. Patterson and E. J. Candès, "Conformalized quantile regression", NeurIPS 2019; for
classes Y. Romano, M. Sesia and E. J. Candès, "Classification with valid and adaptive coverage",
NeurIPS 2020, section 2.
"""

from dataclasses import dataclass

import numpy as np

from .._numerics.plain import plain

STEPS = 100
"""Halvings of an interval after which float64 has none in between."""


@plain("held_out_scores")
@dataclass
class HeldOutScores:
    """How strange each member finds the rows that were held out from it.

    Attributes
    ----------
    scores : list of ndarray of shape (n_rows,)
        Of each member, sorted.
    sums : list of ndarray of shape (n_rows + 1,)
        The weights of the first 0, 1, … rows together, of each member.
    """

    scores: list
    sums: list

    @classmethod
    def of(cls, scores, weights):
        """Return them, of scores of each member and weights or None."""
        made = cls([], [])
        for own, weight in zip(scores, weights, strict=True):
            order = np.argsort(own, kind="stable")
            weight = np.ones(len(own)) if weight is None else np.asarray(weight, np.float64)
            made.scores.append(np.asarray(own, np.float64)[order])
            made.sums.append(np.append(0.0, np.cumsum(weight[order])))
        return made

    @property
    def mass(self):
        """The weight of all rows, in units of their mean weight: their number."""
        return sum(map(len, self.scores))

    def _unit(self):
        return self.mass / sum(sums[-1] for sums in self.sums)

    def n_below(self, member, values, inclusive=False):
        """Return how many of a member's rows have smaller scores; or not greater ones."""
        side = "right" if inclusive else "left"
        positions = np.searchsorted(self.scores[member], values, side)
        return self.sums[member][positions] * self._unit()

    def n_needed(self, confidence_level):
        """Return how many rows, of all, must lie inside.

        Raises
        ------
        ValueError
            If there are too few for that level.
        """
        needed = np.ceil(confidence_level * (self.mass + 1) - 1e-9)
        if needed > self.mass:
            least = int(np.ceil(confidence_level / (1 - confidence_level) - 1e-9))
            raise ValueError(
                f"confidence_level={confidence_level:g} needs {least} rows held out at least, and "
                f"there are {self.mass}. Use a smaller level, or more rows."
            )
        return needed


def upper_limits(held_out, ends, scales, confidence_level):
    """Return for each sample the least number above enough of ``end_k + scale_k · score_i``.

    Parameters
    ----------
    held_out : HeldOutScores
        Whose row i, held out from member k, has ``score_i``.
    ends, scales : ndarray of shape (n_members, n_samples)
        What each member says of each sample.
    confidence_level : float
        Share of the rows, with the new one, that are to lie below.

    Returns
    -------
    ndarray of shape (n_samples,)
    """
    needed = held_out.n_needed(confidence_level)

    def enough(limits):
        below = np.zeros(len(limits))
        for member, (end, scale) in enumerate(zip(ends, scales, strict=True)):
            below += held_out.n_below(member, (limits - end) / scale, inclusive=True)
        return below >= needed * (1 - 1e-12)  # weights are summed in another order

    extremes = [
        np.array([end + scale * scores[k] for end, scale, scores in each]).T
        for k in (0, -1)
        for each in [list(zip(ends, scales, held_out.scores, strict=True))]
    ]
    low, high = extremes[0].min(axis=1), extremes[1].max(axis=1)
    low = low - (high - low) - 1e-300
    for _ in range(STEPS):
        middle = low + (high - low) / 2
        is_enough = enough(middle)
        low, high = np.where(is_enough, low, middle), np.where(is_enough, middle, high)
    return high


def in_prediction_sets(held_out, scores, confidence_level):
    """Tell which classes are in the set of each sample.

    A class is in it unless too many rows have smaller scores of their true class.

    Parameters
    ----------
    held_out : HeldOutScores
        Of the true classes.
    scores : ndarray of shape (n_members, n_samples, n_classes)
        Of all classes, by each member.
    confidence_level : float
        Share of samples whose set is to have the true class.

    Returns
    -------
    ndarray of bool of shape (n_samples, n_classes)
    """
    needed = held_out.n_needed(confidence_level)
    below = sum(held_out.n_below(member, own) for member, own in enumerate(scores))
    return below < needed


def check_confidence_level(confidence_level):
    """Raise ``ValueError`` unless a level lies between 0 and 1."""
    if not 0 < confidence_level < 1:
        raise ValueError(
            f"confidence_level={confidence_level!r} must lie between 0 and 1, such as 0.9."
        )
