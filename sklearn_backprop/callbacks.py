"""scikit-learn's callbacks, and plain functions as callbacks.

scikit-learn 1.9 has a callback protocol; before, only plain functions work here. A
plain function is called with the epoch's record, a dict as in ``history_``; a true
result ends training.
"""

try:
    from sklearn.callback import CallbackSupportMixin, FitCallback, with_callbacks
except ImportError:  # scikit-learn before 1.9
    FitCallback = None

    class CallbackSupportMixin:
        """Stands in for scikit-learn's: keeps plain functions."""

        def set_callbacks(self, *callbacks):
            """Set the callbacks."""
            self._skl_callbacks = list(callbacks)
            return self

    def with_callbacks(method):
        """Return the method itself."""
        return method


class EpochCallback:
    """A plain function in the form of a callback.

    Parameters
    ----------
    function : callable
        Called with each epoch's record; a true result ends training.
    """

    def __init__(self, function):
        self.function = function

    def setup(self, estimator, context):
        """Do nothing: a function needs no preparation."""

    def teardown(self, estimator, context):
        """Do nothing."""

    def on_fit_task_begin(self, estimator, context):
        """Do nothing."""

    def on_fit_task_end(self, estimator, context):
        """Do nothing: the estimator calls the function itself, with the record."""


class EpochCallbacks(CallbackSupportMixin):
    """Mixin of the estimators: ``set_callbacks``, and calling them after each epoch."""

    def set_callbacks(self, *callbacks):
        """Set what is called after each epoch of ``fit``.

        Parameters
        ----------
        *callbacks : callable or callback
            Functions of the epoch's record (a dict as in ``history_``), on every
            version of scikit-learn; from 1.9 on also its callbacks, such as
            ``ProgressBar()``. A true result ends training. None given removes all.

        Returns
        -------
        self : object

        Raises
        ------
        TypeError
            If one is neither.
        """
        wrapped = []
        for callback in callbacks:
            is_protocol = FitCallback is not None and isinstance(callback, FitCallback)
            if isinstance(callback, EpochCallback) or (
                is_protocol and not isinstance(callback, type)
            ):
                wrapped.append(callback)
            elif callable(callback) and not isinstance(callback, type):
                wrapped.append(EpochCallback(callback))
            else:
                raise TypeError(
                    f"A callback must be a function of the epoch's record or an instance of "
                    f"scikit-learn's callback protocol (1.9 or later), got {callback!r}."
                )
        return super().set_callbacks(*wrapped)

    def __sklearn_clone__(self):
        """Keep the callbacks in a clone, as scikit-learn does from 1.9 on."""
        from sklearn.base import _clone_parametrized

        clone = _clone_parametrized(self)
        if FitCallback is None and getattr(self, "_skl_callbacks", None):
            clone._skl_callbacks = list(self._skl_callbacks)
        return clone

    def _begin_callbacks(self, X, y, metadata):
        """Return the root context of a fit; None where there are no callbacks."""
        callbacks = getattr(self, "_skl_callbacks", [])
        if all(isinstance(callback, EpochCallback) for callback in callbacks):
            return None
        context = self._init_callback_context(max_subtasks=self.max_iter)
        context.call_on_fit_task_begin(estimator=self, X=X, y=y, metadata=metadata)
        return context

    def _end_callbacks(self, context, X, y, metadata):
        if context is not None:
            context.call_on_fit_task_end(
                estimator=self, X=X, y=y, metadata=metadata, reconstruction_attributes=dict
            )

    def _epoch_hooks(self, context, X, y, metadata, fitted_attributes):
        """Return the functions to call after each epoch, with its record.

        Parameters
        ----------
        context : CallbackContext or None
            The root.
        X, y, metadata : object
            What ``fit`` was given.
        fitted_attributes : callable
            Returns the attributes that make the network as it stands ready to predict.
        """
        own = [
            callback.function
            for callback in getattr(self, "_skl_callbacks", [])
            if isinstance(callback, EpochCallback)
        ]
        if context is None:
            return own

        # names that an earlier fit left are not those of this X
        without_names = {"feature_names_in_": None} if hasattr(self, "feature_names_in_") else {}

        def call(record):
            epoch = context.subcontext(task_name=f"epoch {record['epoch']}")
            epoch.call_on_fit_task_begin(estimator=self, X=X, y=y, metadata=metadata)
            return epoch.call_on_fit_task_end(
                estimator=self,
                X=X,
                y=y,
                metadata=metadata,
                reconstruction_attributes=lambda: without_names | fitted_attributes(),
            )

        return [*own, call]
