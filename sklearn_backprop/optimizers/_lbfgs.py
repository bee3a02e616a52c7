"""L-BFGS: the solver that SciPy drives.

It is not one of our update rules: it asks for the objective and its gradient over
all samples at points of its own choosing, and calls back after each iteration,
which is an epoch here. It works in float64 whatever the data's dtype, for its
line search compares losses that differ in the last digits.
"""

from numbers import Integral

import numpy as np
from scipy.optimize import minimize

from .._sklearn import Interval
from ..components import Component


class LBFGS(Component):
    """Limited-memory BFGS with bounds' code of SciPy, without bounds.

    Byrd, Lu, Nocedal and Zhu, "A limited memory algorithm for bound constrained
    optimization", SIAM Journal on Scientific Computing 16, 1995.

    Parameters
    ----------
    max_fun : int, default=15000
        Largest number of evaluations of the objective.
    """

    name = "lbfgs"
    stochastic = False
    _parameter_constraints = {"max_fun": [Interval(Integral, 1, None, closed="left")]}

    def __init__(self, max_fun=15000):
        self.max_fun = max_fun

    def minimize(self, objective, parameters, *, max_iter, tol, end_of_iteration):
        """Move ``parameters`` in place towards a minimum.

        Parameters
        ----------
        objective : callable
            Maps a vector to ``(value, gradient)``.
        parameters : ndarray of shape (n_parameters,), float64
            Start, and result.
        max_iter : int
            Largest number of iterations.
        tol : float
            Stop when no entry of the gradient is larger.
        end_of_iteration : callable
            Called with the objective's value after each iteration, with
            ``parameters`` at that iteration's point; a true result ends training.

        Returns
        -------
        value : float
            The objective's value at the end.
        limit : str or None
            What ran out before the tolerance was reached: ``"max_iter"``, ``"max_fun"``,
            or nothing.
        """

        def callback(intermediate_result):
            np.copyto(parameters, intermediate_result.x)
            if end_of_iteration(float(intermediate_result.fun)):
                raise StopIteration

        result = minimize(
            objective,
            parameters.copy(),
            method="L-BFGS-B",
            jac=True,
            callback=callback,
            options={"maxfun": self.max_fun, "maxiter": max_iter, "gtol": tol},
        )
        np.copyto(parameters, result.x)
        limit = None
        if not np.isfinite(result.fun):
            end_of_iteration(float(result.fun))
        elif result.status == REACHED_A_LIMIT:
            limit = "max_iter" if result.nit >= max_iter else "max_fun"
        return float(result.fun), limit


REACHED_A_LIMIT = 1
"""SciPy's status for the largest number of iterations or evaluations."""
