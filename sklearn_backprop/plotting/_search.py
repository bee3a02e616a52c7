"""The candidates of a search and what they scored."""

from numbers import Real

import numpy as np
from sklearn.utils.validation import check_is_fitted

from ._axes import one


class SearchDisplay:
    """The candidates of a fitted search, with mean and standard deviation of their scores.

    Use `from_search`. There are three pictures: of a search that halves its candidates, each
    one's score as its resources grow; where one parameter varies or is asked for, the scores
    over its values; else the candidates in the order of their scores.

    Parameters
    ----------
    candidates : list of dict
        The parameters of each candidate.
    mean, std : ndarray of shape (n_candidates,)
        Mean and standard deviation of its scores over the folds.
    best_index : int
        Which is the best.
    score_name : str, default="score"
        What the score is called.
    rungs, resources : ndarray of shape (n_candidates,), default=None
        Of a halving search: the iteration, and how many resources a candidate had.
    resource : str, default="n_samples"
        What those are.

    Attributes
    ----------
    ax_, figure_ : matplotlib Axes and Figure
        Where it was drawn.
    lines_ : list of matplotlib artists
        The curve of each candidate (halving), or the points of all.
    best_ : matplotlib Line2D
        The mark of the best.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from sklearn_backprop import BackpropClassifier
    >>> from sklearn_backprop.model_selection import GridSearchCV
    >>> from sklearn_backprop.plotting import SearchDisplay
    >>> model = BackpropClassifier(learning_rate="cosine", max_iter=20)
    >>> search = GridSearchCV(model, {"alpha": [0.01, 1, 100]}, cv=3)
    >>> display = SearchDisplay.from_search(search.fit(*load_iris(return_X_y=True)))
    >>> display.ax_.get_xlabel()
    'alpha'
    """

    def __init__(
        self,
        *,
        candidates,
        mean,
        std,
        best_index,
        score_name="score",
        rungs=None,
        resources=None,
        resource="n_samples",
    ):
        self.candidates = candidates
        self.mean = mean
        self.std = std
        self.best_index = best_index
        self.score_name = score_name
        self.rungs = rungs
        self.resources = resources
        self.resource = resource

    @classmethod
    def from_search(cls, search, *, parameter=None, metric=None, ax=None, max_candidates=25):
        """Draw the candidates of a fitted search.

        Parameters
        ----------
        search : GridSearchCV, RandomizedSearchCV, HalvingGridSearchCV or alike
            Fitted.
        parameter : str, default=None
            Draw the scores over the values of this parameter. None does so where only one
            varies.
        metric : str, default=None
            Which of several scores; None takes the one that ``refit`` names.
        ax : matplotlib Axes, default=None
            Where to draw; None makes a figure.
        max_candidates : int, default=25
            In a ranking, show so many of the best.

        Returns
        -------
        SearchDisplay

        Raises
        ------
        NotFittedError
            If the search is not fitted.
        ValueError
            If ``parameter`` or ``metric`` is none of the search's.
        """
        check_is_fitted(search, "cv_results_")
        results = search.cv_results_
        if metric is None:
            metric = search.refit if isinstance(getattr(search, "refit", None), str) else "score"
        known = [key[10:] for key in results if key.startswith("mean_test_")]
        if metric not in known:
            raise ValueError(f"metric={metric!r} is none of the search's, which are {known}.")
        halves = "iter" in results
        display = cls(
            candidates=list(results["params"]),
            mean=np.asarray(results[f"mean_test_{metric}"], dtype=float),
            std=np.asarray(results[f"std_test_{metric}"], dtype=float),
            best_index=_best_index(search, results, metric),
            score_name=metric,
            rungs=np.asarray(results["iter"]) if halves else None,
            resources=np.asarray(results["n_resources"]) if halves else None,
            resource=getattr(search, "resource_", getattr(search, "resource", "n_samples")),
        )
        return display.plot(ax, parameter=parameter, max_candidates=max_candidates)

    @property
    def varied(self):
        """The parameters in which candidates differ."""
        names = list(dict.fromkeys(name for params in self.candidates for name in params))
        return [n for n in names if len({repr(params.get(n)) for params in self.candidates}) > 1]

    def plot(self, ax=None, *, parameter=None, max_candidates=25):
        """Draw the candidates.

        Parameters
        ----------
        ax, parameter, max_candidates : object
            As in `from_search`.

        Returns
        -------
        SearchDisplay
        """
        varied = self.varied
        if parameter is not None and parameter not in varied:
            raise ValueError(f"parameter={parameter!r} is not one that varies; those are {varied}.")
        if self.rungs is not None and parameter is None:
            self._halving(ax)
        elif parameter is not None or len(varied) == 1:
            self._by_parameter(ax, parameter or varied[0])
        else:
            self._ranking(ax, varied, max_candidates)
        self.figure_ = self.ax_.figure
        return self

    def _halving(self, ax):
        """Draw each candidate's score as its resources grow."""
        self.ax_ = ax = one(self, ax)
        keys = [repr(sorted(params.items(), key=str)) for params in self.candidates]
        if self.resource in self.varied:  # the resource itself is a parameter, one a rung
            keys = [_without(params, self.resource) for params in self.candidates]
        best = keys[self.best_index]
        self.lines_ = []
        for key in dict.fromkeys(keys):
            own = [i for i, other in enumerate(keys) if other == key]
            style = {"color": "C0", "zorder": 3} if key == best else {"color": "0.7", "zorder": 2}
            (curve,) = ax.plot(self.resources[own], self.mean[own], marker="o", ms=4, **style)
            self.lines_.append(curve)
        self._mark_best(ax, self.resources[self.best_index])
        ticks = np.unique(self.resources)
        if len(ticks) > 1 and ticks[-1] / ticks[0] >= 8:
            ax.set_xscale("log")
        counts = [int((self.resources == tick).sum()) for tick in ticks]
        labels = [f"{tick}\n({count})" for tick, count in zip(ticks, counts, strict=True)]
        ax.set_xticks(ticks, labels, minor=False)
        ax.minorticks_off()
        name = self.resource.rpartition("__")[2]
        ax.set(xlabel=f"{name} (candidates left)", ylabel=f"mean {self.score_name}")
        # above the axes: the label is long, and curves may be anywhere
        ax.legend(loc="lower right", bbox_to_anchor=(1, 1), frameon=False, borderaxespad=0)

    def _by_parameter(self, ax, name):
        """Draw the scores over the values of one parameter."""
        self.ax_ = ax = one(self, ax)
        values = [params.get(name) for params in self.candidates]
        is_number = all(isinstance(v, Real) and not isinstance(v, bool) for v in values)
        if is_number:
            x = np.array(values, dtype=float)
            if x.min() > 0 and x.max() / x.min() >= 50:
                ax.set_xscale("log")
        else:
            labels = list(dict.fromkeys(map(_short, values)))
            x = np.array([labels.index(_short(value)) for value in values], dtype=float)
            ax.set_xticks(range(len(labels)), labels)
            ax.margins(x=0.1)
        order = np.argsort(x, kind="stable")
        is_function = len(np.unique(x)) == len(x)
        points = ax.errorbar(
            x[order],
            self.mean[order],
            self.std[order],
            fmt="o-" if is_function else "o",
            color="C0",
            ecolor="0.7",
            capsize=2,
            ms=4,
        )
        self.lines_ = [points]
        self._mark_best(ax, x[self.best_index])
        ax.set(xlabel=name, ylabel=f"mean {self.score_name} ± standard deviation")
        ax.legend(loc="best")

    def _ranking(self, ax, varied, max_candidates):
        """Draw the candidates below one another, the best on top."""
        order = np.argsort(-np.nan_to_num(self.mean, nan=-np.inf), kind="stable")[:max_candidates]
        self.ax_ = ax = one(self, ax, size=(8, 1.2 + 0.27 * len(order)))
        rows = np.arange(len(order))
        points = ax.errorbar(
            self.mean[order],
            rows,
            xerr=self.std[order],
            fmt="o",
            color="C0",
            ecolor="0.7",
            capsize=2,
            ms=4,
        )
        self.lines_ = [points]
        labels = [
            ", ".join(
                f"{n.rpartition('__')[2]}={_short(self.candidates[i].get(n))}" for n in varied
            )
            for i in order
        ]
        ax.set_yticks(rows, labels)
        ax.invert_yaxis()
        ax.grid(axis="x", color="0.9")
        ax.set_axisbelow(True)
        best = int(np.flatnonzero(order == self.best_index)[0])
        (self.best_,) = ax.plot(
            self.mean[self.best_index], best, "o", color="C1", ms=7, zorder=4, label="best"
        )
        left_out = len(self.mean) - len(order)
        of = f" (best {len(order)} of {len(self.mean)} candidates)" if left_out else ""
        ax.set(xlabel=f"mean {self.score_name} ± standard deviation{of}")

    def _mark_best(self, ax, x):
        params = self.candidates[self.best_index]
        names = [name for name in self.varied if name != self.resource]
        what = ", ".join(f"{n.rpartition('__')[2]}={_short(params.get(n))}" for n in names)
        (self.best_,) = ax.plot(
            x, self.mean[self.best_index], "o", color="C1", ms=7, zorder=4, label=f"best: {what}"
        )


def _best_index(search, results, metric):
    """Return the search's own best, or where it has none, the first of rank 1."""
    refit = getattr(search, "refit", None)
    if hasattr(search, "best_index_") and (not isinstance(refit, str) or refit == metric):
        return int(search.best_index_)
    return int(np.argmin(results[f"rank_test_{metric}"]))


def _without(params, name):
    return repr(sorted(((k, v) for k, v in params.items() if k != name), key=str))


def _short(value):
    """Return a value as it is read best in a label."""
    text = f"{value:.4g}" if isinstance(value, Real) and not isinstance(value, bool) else str(value)
    return text if len(text) <= 30 else text[:29] + "…"
