"""Features that a parameter names: by a mask, by positions, or by names."""

import numpy as np

UNNAMED = {"categorical_features": "'auto'", "ignored_features": "None"}
"""What each parameter is where it names none."""


def mask_of(parameter, given, n_features, names):
    """Return a mask of the features that a parameter names.

    Parameters
    ----------
    parameter : str
        Its name, for messages.
    given : array-like of bool, int or str, str or None
        Its value; "auto" and None name none.
    n_features : int
        Number of features.
    names : sequence of str
        Their names; empty if they have none.

    Returns
    -------
    ndarray of bool of shape (n_features,)

    Raises
    ------
    ValueError
        If it names what is not there.
    """
    mask = np.zeros(n_features, bool)
    if given is None or isinstance(given, str):
        return mask
    array = np.asarray(given)
    if array.dtype.kind == "b" and array.shape == mask.shape:
        return array
    if array.dtype.kind in "OU" and array.size:
        known = list(names)
        missing = [name for name in array.tolist() if name not in known]
        if missing:
            raise ValueError(
                f"{parameter} names {missing}, which X does not have; its columns are {known}."
            )
        array = np.array([known.index(name) for name in array])
    whole = array.dtype.kind in "iu"
    if array.size and (not whole or np.any((array < -n_features) | (array >= n_features))):
        raise ValueError(
            f"{parameter}={given!r} must be {UNNAMED[parameter]}, a mask of {n_features} bools, "
            f"positions below {n_features}, or names of columns."
        )
    mask[array.astype(int)] = True
    return mask
