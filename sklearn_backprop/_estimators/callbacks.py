"""scikit-learn's callbacks, and plain functions as callbacks.

scikit-learn 1.9 has a callback protocol; before, only plain functions work here. A
plain function is called with the epoch's record, a dict as in ``history_``; a true
result ends training.
"""

from functools import partial
from typing import Self

from .._numerics.memo import shallow_copy
from .._sklearn import CallbackSupportMixin, FitCallback, callbacks_of, clone_with_callbacks


def given_data(X, y, sample_weight):
    """Return what callbacks are told of the data that ``fit`` was given."""
    metadata = {} if sample_weight is None else {"sample_weight": sample_weight}
    return {"X": X, "y": y, "metadata": metadata}


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

    def hook(self, network):
        """Return what to call with each epoch's record; ``network()`` is the network then."""
        return self.function


class NetworkCallback(EpochCallback):
    """A function of the record and of what gives the network, to be called or not."""

    def hook(self, network):
        """Return a function of the record."""
        return partial(self.function, network)


class EpochCallbacks(CallbackSupportMixin):
    """Mixin of the estimators: ``set_callbacks``, and calling them after each epoch."""

    def set_callbacks(self, *callbacks) -> Self:
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
        return clone_with_callbacks(self)

    def _begin_callbacks(self, data, n_tasks):
        """Return the root context of a fit; None where no callback needs one.

        Parameters
        ----------
        data : dict
            ``X``, ``y`` and ``metadata`` as ``fit`` was given them.
        n_tasks : int
            Epochs, or members, at most.
        """
        callbacks = callbacks_of(self)
        if all(isinstance(callback, EpochCallback) for callback in callbacks):
            return None
        context = self._init_callback_context(max_subtasks=n_tasks)
        context.call_on_fit_task_begin(estimator=self, **data)
        return context

    def _end_callbacks(self, context, data):
        if context is not None:
            context.call_on_fit_task_end(estimator=self, **data, reconstruction_attributes=dict)


def _call_epoch(estimator, context, data, record, attributes):
    """Tell the callbacks of an epoch that has ended; return whether one ends training.

    ``attributes()`` gives what makes the estimator ready to predict as it stands.
    """
    epoch = context.subcontext(task_name=f"epoch {record['epoch']}")
    epoch.call_on_fit_task_begin(estimator=estimator, **data)
    return epoch.call_on_fit_task_end(
        estimator=estimator, **data, reconstruction_attributes=attributes
    )


def epoch_hooks(estimator, context, data, fitted_attributes):
    """Return the functions to call after each epoch, with its record.

    Parameters
    ----------
    estimator : EpochCallbacks
        Whose callbacks they are.
    context : CallbackContext or None
        The root.
    data : dict
        ``X``, ``y`` and ``metadata`` as ``fit`` was given them.
    fitted_attributes : callable
        Returns the attributes that make the network as it stands ready to predict.
    """
    # names that an earlier fit left are not those of this X
    without_names = {"feature_names_in_": None} if hasattr(estimator, "feature_names_in_") else {}

    def attributes():
        return without_names | fitted_attributes()

    def network():
        twin = shallow_copy(estimator)
        twin.__dict__.update(attributes())
        return twin

    hooks = [
        callback.hook(network)
        for callback in callbacks_of(estimator)
        if isinstance(callback, EpochCallback)
    ]
    if context is not None:
        hooks.append(lambda record: _call_epoch(estimator, context, data, record, attributes))
    return hooks


class MemberCallbacks(EpochCallbacks):
    """Mixin of ensembles: ``set_callbacks``, and calling them after each member's epochs.

    What a callback of scikit-learn's is shown after an epoch is the ensemble of that member
    alone, so it takes X and y as they were given to the ensemble's ``fit``.
    """

    def _fit_in_turn(self, members, fit, context, data, alone):
        """Fit one member after another, so that callbacks can follow them.

        Parameters
        ----------
        members : list of estimator
            Callbacks of their own are called too.
        fit : callable
            Fits a member, given its number and itself.
        context : CallbackContext or None
            The root, from ``_begin_callbacks``.
        data : dict
            ``X``, ``y`` and ``metadata`` as the ensemble's ``fit`` was given them.
        alone : callable
            Returns the attributes that make an ensemble of a network alone.
        """
        callbacks = callbacks_of(self)
        functions = [callback for callback in callbacks if isinstance(callback, EpochCallback)]
        for k, member in enumerate(members):
            own, followers, task = callbacks_of(member), functions, None
            if context is not None:
                task = context.subcontext(task_name=f"member {k}", max_subtasks=member.max_iter)
                task.call_on_fit_task_begin(estimator=self, **data)
                follow = partial(self._call_member_epoch, task, data, alone)
                followers = [*functions, NetworkCallback(follow)]
            member.set_callbacks(*own, *followers)
            fit(k, member)
            member.set_callbacks(*own)
            if task is not None:
                task.call_on_fit_task_end(
                    estimator=self, **data, reconstruction_attributes=partial(alone, member)
                )
        return members

    def _call_member_epoch(self, task, data, alone, network, record):
        return _call_epoch(self, task, data, record, lambda: alone(network()))
