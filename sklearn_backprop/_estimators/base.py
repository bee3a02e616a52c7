"""What the classifier and the regressor share: ``fit``, from its checks to its result."""

from contextlib import nullcontext
from copy import deepcopy
from numbers import Real
from operator import is_not

import numpy as np
from sklearn.utils.validation import check_is_fitted, validate_data

from .._engine.outputs import predict
from .._fitting.loop import FitLoop, PreparedFit
from .._numerics.blas import blas_threads_for, one_blas_thread
from .._numerics.memo import directly, shallow_copy
from .._sklearn import with_callbacks
from ..components import KnownParameters
from ..optimizers import OPTIMIZERS
from .bookmark import before_partial_fit
from .callbacks import EpochCallbacks, given_data
from .checks import (
    check_features,
    check_features_and_targets,
    check_some_weight,
    check_validation_arguments,
    check_validation_rows,
    check_weights,
)
from .fitted import FittedState
from .insight import Insight
from .parameters import CONSTRAINTS
from .prepare import TrainingSetup
from .validation import held_out_rows, make_validation


def is_stochastic(estimator):
    """Return True, or raise what makes ``partial_fit`` not exist."""
    solver = estimator.solver
    kind = OPTIMIZERS.get(solver) if isinstance(solver, str) else solver
    if getattr(kind, "stochastic", True):  # what is no solver at all is refused by the call
        return True
    raise AttributeError(
        "partial_fit is only available for stochastic solvers; "
        f"solver={solver!r} is not one. Use 'sgd', 'adam' or 'adamw'."
    )


def store(estimator, given):
    """Set the constructor's arguments as attributes, and do nothing else."""
    for name, value in given.items():
        if name not in ("self", "__class__"):
            setattr(estimator, name, value)


class BaseBackprop(EpochCallbacks, TrainingSetup, FittedState, Insight, KnownParameters):
    """Base of the estimators. Use ``BackpropClassifier`` or ``BackpropRegressor``."""

    _parameter_constraints = CONSTRAINTS
    # any link makes scikit-learn's HTML representation show each parameter's description
    _doc_link_module = "sklearn_backprop"
    _doc_link_template = "#{estimator_name}"

    @with_callbacks
    def fit(
        self,
        X,
        y,
        sample_weight=None,
        *,
        coefs_init=None,
        intercepts_init=None,
        X_val=None,
        y_val=None,
        sample_weight_val=None,
        validation_rows=None,
    ):
        """Train the network.

        Parameters
        ----------
        X : array-like or sparse matrix of shape (n_samples, n_features)
            Features. float32 and float64 are used as they are; a memory-mapped array
            of them is read batch by batch.
        y : array-like of shape (n_samples,) or (n_samples, n_outputs)
            Targets.
        sample_weight : array-like of shape (n_samples,), default=None
            Weights, non-negative. A weight of 2 counts as the row twice.
        coefs_init, intercepts_init : list of array-like, default=None
            Initial weights and biases, of the shapes of ``coefs_`` and ``intercepts_``
            and, like them, for raw X. None draws them by ``initializer``.
        X_val, y_val : array-like, default=None
            A validation set for ``early_stopping``, in place of a split of X and y.
        sample_weight_val : array-like of shape (n_validation_samples,), default=None
            Its weights.
        validation_rows : array-like of int, default=None
            The rows of X and y to validate on, in place of a share drawn at random.

        Returns
        -------
        self : object
            The fitted estimator.

        Raises
        ------
        ValueError
            If a parameter or the data are not usable, or if training diverged before
            there was an epoch to keep. The estimator is then as it was.

        Warns
        -----
        ConvergenceWarning
            If training reached ``max_iter`` before it converged, or diverged and was
            taken back to its best epoch.
        """
        data = given_data(X, y, sample_weight)
        context = self._begin_callbacks(data, self.max_iter)
        self._fit_on_a_copy(
            X,
            y,
            sample_weight,
            hooks=lambda attributes: self._epoch_hooks(context, data, attributes),
            initial=(coefs_init, intercepts_init),
            validation_set=(X_val, y_val, sample_weight_val, validation_rows),
        )
        self._end_callbacks(context, data)
        return self

    def _shallow_copy(self):
        copy = object.__new__(type(self))
        copy.__dict__.update(self.__dict__)
        return copy

    def _fit_on_a_copy(self, X, *args, incremental=False, **kwargs):
        """Fit a shallow copy and take over its state: an error leaves self untouched."""
        copy = self._shallow_copy()
        before = before_partial_fit(self, X) if incremental else None
        try:
            copy._fit(X, *args, incremental=incremental, **kwargs)
            self.__dict__ = copy.__dict__
        except BaseException:  # Ctrl-C, too
            if before is not None:
                before.go_back()
            raise
        return self

    def _fit(self, X, y, sample_weight, *, incremental=False, **kwargs):
        """Check everything, train, and set the fitted attributes."""
        fit = self._prepare(X, y, sample_weight, incremental=incremental, **kwargs)
        return self._run(fit, incremental)

    def _run(self, fit, incremental=False):
        """Train what is prepared, and set the fitted attributes."""
        # divergence is looked for, and told, once an epoch: NumPy need not warn as well
        threads = blas_threads_for(fit.training.network.layer_sizes, fit.n_rows)
        with threads, np.errstate(all="ignore"):
            went_back = fit.loop.run(fit.samples, fit.batch_size, self.shuffle, incremental)
        return self._complete(fit, went_back)

    def _prepare(
        self,
        X,
        y,
        sample_weight,
        *,
        incremental=False,
        classes=None,
        hooks=None,
        initial=(None, None),
        validation_set=(None,) * 4,
        once=directly,
    ):
        """Check everything and return what is ready to run; ``once`` may be a ``Memo``."""
        valid_params = self._validate_new_params()
        self._check_combinations(incremental, validation_set)
        if incremental or self.warm_start:
            self._check_not_slim("partial_fit" if incremental else "a warm start")
        goes_on = hasattr(self, "_training") and (incremental or self.warm_start)
        given_X = X
        name = type(self).__name__
        X, y = once(check_features_and_targets, X, y, name, self._y_numeric)
        sample_weight = once(check_weights, sample_weight, X)
        Y = self._encode(y, classes, goes_on, incremental, once)
        validate_data(self, given_X, skip_check_array=True, reset=not goes_on)

        training = self._make_training(X, Y, goes_on, incremental)
        training.settings.valid_params = valid_params
        statistics = shallow_copy(training.statistics)
        X, Y = self._update_statistics(training, X, Y, sample_weight, incremental, once)
        self._set_initial_values(training, initial)
        rows = validate = None
        if self.early_stopping:
            rows, validate = self._validation(training, given_X, X, y, Y, sample_weight,
                                              validation_set, once)  # fmt: skip
        training.progress.monitor("loss" if validate is None else "validation")
        samples = self._samples(training, X, Y, self._weighted(sample_weight, y), rows, once)
        training.weigh(samples, incremental)
        if not goes_on and initial == (None, None):
            self._adapt_to_samples(training, samples)
        # a copy, for who looks at a network in training may keep it
        hooks = hooks(lambda: self._fitted_attributes(deepcopy(training))) if hooks else ()
        loop = FitLoop(
            training,
            tol=self.tol,
            n_iter_no_change=self.n_iter_no_change,
            max_iter=self.max_iter,
            max_time=None if incremental else self.max_time,
            validate=validate,
            hooks=hooks,
            verbose=int(self.verbose),
        )
        batch_size = 200 if self.batch_size == "auto" else self.batch_size
        return PreparedFit(loop, samples, min(batch_size, samples.n_samples), statistics)

    def _validate_new_params(self):
        """Validate the parameters, unless they are the objects of the last training; return them.

        That takes a tenth of a ``partial_fit``.
        """
        values = [getattr(self, name) for name in self._get_param_names()]
        before = self._training.settings.valid_params if hasattr(self, "_training") else []
        if len(before) != len(values) or any(map(is_not, values, before)):
            self._validate_params()
        return values

    def _complete(self, fit, went_back):
        """Set the fitted attributes after training; ``went_back``: to the weights from before."""
        if went_back:
            fit.training.statistics = fit.statistics
        fit.training.finish(self._dtype, keeps_state=self._keeps_state(fit))
        self._publish(fit.training)
        self._warn_of_saturation(fit.training)
        return self

    def _keeps_state(self, fit):
        """Tell whether the optimizer's state belongs to the weights that are kept."""
        return fit.loop.validate is None and fit.training.learner.optimizer.stochastic

    def _check_combinations(self, incremental, validation_set):
        """Refuse parameters that contradict one another."""
        if isinstance(self.learning_rate, Real) and self.learning_rate_init != 0.001:
            raise ValueError(
                f"learning_rate={self.learning_rate!r} is a constant rate, so learning_rate_init "
                f"must keep its default 0.001, got {self.learning_rate_init!r}. Pass the rate to "
                "one of them, or learning_rate='constant'."
            )
        if isinstance(self.learning_rate, type):
            raise ValueError(
                f"The 'learning_rate' parameter is the class {self.learning_rate.__name__}; make "
                f"an instance, {self.learning_rate.__name__}()."
            )
        if incremental and self.early_stopping:
            raise ValueError(
                "partial_fit does not support early_stopping=True: it makes one pass and has no "
                "validation set. Use fit, or early_stopping=False."
            )
        check_validation_arguments(self.early_stopping, self.validation_fraction, *validation_set)

    def _validation(self, training, given_X, X, y, Y, sample_weight, validation_set, once):
        """Return the rows to train on (None for all), and what scores the others or X_val."""
        *given, validation_rows = validation_set
        if given[0] is not None:
            data = self._check_validation_set(given_X, Y, *given)
            return None, make_validation(self, training, *data)
        if validation_rows is not None:
            rows, held_out = check_validation_rows(validation_rows, len(Y))
        else:
            rows, held_out = held_out_rows(
                self._stratify(Y), len(Y), self.validation_fraction, training.progress.random_state
            )
        if sample_weight is not None:
            check_some_weight(sample_weight[rows], "sample_weight of the samples to train on")
            check_some_weight(sample_weight[held_out], "sample_weight of the validation samples")
        return rows, make_validation(self, training, X, y, sample_weight, held_out, once)

    def _check_validation_set(self, given_X, Y, X_val, y_val, sample_weight_val):
        """Check X_val, y_val and sample_weight_val as X, y and sample_weight are."""
        reader = self._shallow_copy()
        validate_data(reader, given_X, skip_check_array=True, reset=True)
        try:
            name = type(self).__name__
            X, y = check_features_and_targets(X_val, y_val, name, self._y_numeric)
            validate_data(reader, X_val, skip_check_array=True, reset=False)
            sample_weight = check_weights(sample_weight_val, X, "sample_weight_val")
            self._check_more_targets(y, Y)
        except ValueError as error:
            raise ValueError(
                f"The validation set (X_val, y_val, sample_weight_val): {error}"
            ) from error
        return X, y, sample_weight

    def _check_X(self, X):
        """Return checked features for a fitted network."""
        if not hasattr(self, "coefs_"):  # which is not what check_is_fitted takes 7 µs for
            check_is_fitted(self)
        return check_features(X, self)

    def _outputs(self, X, output_activation=None):
        """Return outputs for raw X; of the network's output activation, or of another."""
        return self._outputs_for(self._check_X(X), output_activation)

    def _outputs_for(self, X, output_activation=None):
        """Return outputs for checked X."""
        served = self._served
        output_activation = output_activation or served.output_activation
        # many rows are many small products; for a few, limiting threads costs more than it saves
        limit = one_blas_thread() if X.shape[0] >= 1000 else nullcontext()
        with limit, np.errstate(over="ignore"):  # a sigmoid's exponential may, and means 0
            weights, biases, centred = self._serving()
            return predict(X, weights, biases, served.activation, output_activation, centred)

    def __sklearn_tags__(self):
        """Tell scikit-learn that sparse X works."""
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        return tags
