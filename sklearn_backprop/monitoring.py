"""The record of training, and what is printed of it."""

import time

import numpy as np


class History:
    """Keeps one record an epoch, as a dict of lists that ``pandas.DataFrame`` takes.

    Attributes
    ----------
    columns : dict of str to list
        ``epoch``, ``loss``, ``learning_rate``, ``gradient_norm`` (of the last batch, L2
        penalty included), ``seconds`` (since training began), and with a validation set
        its scores.
    """

    def __init__(self):
        self.columns = {"epoch": [], "loss": []}

    def append(self, record):
        """Add a record; a column that is new, or missing, is filled with NaN."""
        n_records = len(self.columns["epoch"])
        for name in record:
            self.columns.setdefault(name, [np.nan] * n_records)
        for name, column in self.columns.items():
            column.append(record.get(name, np.nan))

    def last(self):
        """Return the last record as a dict."""
        return {name: column[-1] for name, column in self.columns.items()}


def epoch_record(training, loss, scores, start):
    """Return what there is to say of the epoch that has just ended."""
    gradient = training.network.gradient
    rate = training.learning_rate if training.optimizer.stochastic else np.nan
    return {
        "epoch": training.n_iter,
        "loss": loss,
        **scores,
        "learning_rate": float(rate),
        "gradient_norm": float(np.sqrt(np.vecdot(gradient, gradient))),
        "seconds": time.perf_counter() - start,
    }


def line(record):
    """Return a record as a line whose numbers stand under one another."""
    cells = [f"Iteration {record['epoch']:>4d}", f"loss = {record['loss']:<12.8f}"]
    skipped = ("epoch", "loss", "gradient_norm", "seconds")
    cells += [f"{name} = {value:<10.6g}" for name, value in record.items() if name not in skipped]
    return ", ".join([*cells, f"{record['seconds']:.2f} s"])
