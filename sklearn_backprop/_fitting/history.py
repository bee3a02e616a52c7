"""The record of a training, epoch by epoch."""

import numpy as np

from .._numerics.plain import plain


@plain("history")
class History:
    """Keeps one record an epoch, as a dict of lists that ``pandas.DataFrame`` takes.

    Attributes
    ----------
    columns : dict of str to list
        ``epoch``, ``loss``, ``learning_rate`` (of the last step), ``gradient_norm`` (of
        the last batch, L2 penalty and clipping included), ``seconds`` (in training so
        far, earlier calls included), and with a validation set its scores.
    """

    def __init__(self):
        self.columns = {"epoch": [], "loss": []}

    def append(self, record):
        """Add a record; a column that is new, or missing, is filled with NaN."""
        for name in record:
            if name not in self.columns:
                self.columns[name] = [np.nan] * len(self.columns["epoch"])
        for name, column in self.columns.items():
            column.append(record.get(name, np.nan))

    def __len__(self):
        """Return the number of records."""
        return len(self.columns["epoch"])

    def names(self):
        """Return the names of the columns."""
        return list(self.columns)

    def shorten(self, n_records, names):
        """Forget all but the first records, and all but some columns."""
        for name in self.names():
            if name in names:
                del self.columns[name][n_records:]
            else:
                del self.columns[name]
