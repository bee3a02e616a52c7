"""Epochs, batches, rates and decay that are good for so many rows.

All begin at what the recipe has for 2,000 rows, where it was tuned, and follow a power of the
number of rows from there on; ``docs/tabular.md`` has the measurements.
"""

import numpy as np

TUNED_FOR = 2048
"""Rows up to which nothing changes."""


def epochs_falling(power):
    """Return what gives 256 epochs, for more rows ``n_rows^-power`` times as many; 16 at least."""
    return lambda n_rows: max(16, round(256 * times_more(n_rows) ** -power))


def members_for(n_rows):
    """Return ``4000 / n_rows`` members, five at least and twenty at most: few rows take no time."""
    return int(np.clip(4000 // n_rows, 5, 20))


def batch_size_for(n_rows):
    """Return 256, and from 16,384 rows on ``n_rows^(1/2)`` times 2; 2,048 at most."""
    return min(2048, max(256, round(2 * np.sqrt(n_rows))))


def layers_for(n_rows):
    """Return three layers of 128 units, and from 8,192 rows on of 256."""
    return (128, 128, 128) if n_rows < 8192 else (256, 256, 256)


def constant(value):
    """Return what gives a value for any number of rows."""
    return lambda n_rows: value


def rising_rate(rate):
    """Return what gives a rate that rises with ``n_rows^(1/3)``, to its double at most."""
    return lambda n_rows: float(rate * min(2.0, times_more(n_rows) ** (1 / 3)))


def falling(value, power):
    """Return what gives a value that falls with ``n_rows^-power``.

    A decay with ``1 / n_rows`` is what a penalty is beside a sum over the rows.
    """
    return lambda n_rows: float(value * times_more(n_rows) ** -power)


def times_more(n_rows):
    """Return how many times more rows there are than those that all was tuned for."""
    return max(1.0, n_rows / TUNED_FOR)
