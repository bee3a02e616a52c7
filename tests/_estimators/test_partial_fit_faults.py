"""A ``partial_fit`` that fails or is interrupted, wherever, is as if it had not been called.

Whatever can fail is made to fail: a tracer raises at some line of the package, which is what
Ctrl-C and a lack of memory do. Afterwards the estimator must go on exactly as a twin that was
left in peace.
"""

import sys
from copy import deepcopy
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.sparse import csr_array

import sklearn_backprop
from sklearn_backprop import BackpropClassifier, BackpropRegressor
from sklearn_backprop.activations import ReLU
from sklearn_backprop.optimizers import OPTIMIZERS, InputScaledAdamW, Optimizer
from sklearn_backprop.schedules import SCHEDULES, Schedule

PACKAGE = str(Path(sklearn_backprop.__file__).parent)
RNG = np.random.RandomState(0)
X = RNG.normal(size=(60, 4))
Y = X[:, 0] + np.sin(X[:, 1])
LABELS = np.where(Y > 0.5, "up", np.where(Y < -0.5, "down", "flat"))
WEIGHTS = RNG.uniform(0.5, 2, size=60)
CHUNKS = [slice(0, 25), slice(25, 26), slice(26, 60)]
SMALL = {"hidden_layer_sizes": (5,), "batch_size": 8, "random_state": 0}
FIRST = 5  # line of the call itself: those before it find the method
STOCHASTIC = [name for name, kind in OPTIMIZERS.items() if kind.stochastic]


class WithAList(Optimizer):
    """A user's optimizer, whose state holds more than arrays: the norms of all gradients."""

    slots = ("last",)

    def init(self, parameters, n_weights=None):
        state = super().init(parameters, n_weights)
        state.norms = []
        return state

    def constants(self, state, learning_rate):
        return state.norms, learning_rate

    def step(self, constants, scratch, parameters, gradient, last):
        norms, learning_rate = constants
        norms.append(float(np.linalg.norm(gradient)))
        last[...] = gradient / sum(norms)
        parameters -= learning_rate * last


class Stream:
    """A kind of estimator and of data, chunk by chunk."""

    def __init__(self, cls, data=X, weighted=False, **parameters):
        self.cls, self.data, self.weighted = cls, data, weighted
        self.parameters = SMALL | parameters

    def new(self):
        return self.cls(**deepcopy(self.parameters))

    def feed(self, estimator, number):
        rows = CHUNKS[number]
        target = LABELS if self.cls is BackpropClassifier else Y
        arguments = {"sample_weight": WEIGHTS[rows]} if self.weighted else {}
        if self.cls is BackpropClassifier:
            arguments["classes"] = ["up", "down", "flat"]
        return estimator.partial_fit(self.data[rows], target[rows], **arguments)


STREAMS = {
    **{f"solver {name}": Stream(BackpropRegressor, solver=name) for name in STOCHASTIC},
    "scaled inputs": Stream(BackpropRegressor, solver=InputScaledAdamW()),
    "a user's optimizer": Stream(BackpropRegressor, solver=WithAList()),
    "classes": Stream(BackpropClassifier, weighted=True, class_weight={"up": 3.0}),
    "dropout": Stream(BackpropClassifier, dropout=0.5, solver="sgd"),
    "in order": Stream(BackpropRegressor, shuffle=False),
    "sparse": Stream(BackpropRegressor, csr_array(X), weighted=True),
    "float32": Stream(BackpropRegressor, X.astype(np.float32), solver="adamw"),
    "raw": Stream(BackpropRegressor, standardize=False, max_grad_norm=1.0),
    "a shared stream": Stream(BackpropRegressor, random_state=np.random.RandomState(3)),
    **{f"schedule {name}": Stream(BackpropRegressor, learning_rate=name) for name in SCHEDULES},
}
over_streams = pytest.mark.parametrize("stream", STREAMS.values(), ids=STREAMS)


class FailAfter:
    """Raises an error at the n-th line of the package that runs; counts them."""

    def __init__(self, n_lines=None, error=KeyboardInterrupt):
        self.n_lines, self.error, self.count = n_lines, error, 0

    def __call__(self, frame, event, argument):
        path = frame.f_code.co_filename
        # a tracer, unlike a signal, can get between a lock and its release
        if not path.startswith(PACKAGE) or path.endswith("blas.py"):
            return None
        if event == "line":
            self.count += 1
            # the handler that puts things back is not interrupted, as by a second Ctrl-C
            if self.count == self.n_lines:
                raise self.error
        return self

    def run(self, function, *args):
        before = sys.gettrace()
        sys.settrace(self)
        try:
            return function(*args)
        finally:
            sys.settrace(before)


def lines_until_done(stream, estimator, number):
    """Return how many lines run until the estimator has the new state: all but ``return``."""
    for _ in range(2):  # the first time some more, which fill caches
        counter = FailAfter()
        counter.run(stream.feed, deepcopy(estimator), number)
    return counter.count - 1


def state(estimator):
    """Return all that a call may change, as something to compare."""
    given = estimator.random_state
    names = sorted(vars(estimator))
    streams = [given.get_state()[1:3]] if isinstance(given, np.random.RandomState) else []
    if not hasattr(estimator, "_training"):
        return names, streams
    training = estimator._training
    learner, progress, known = training.learner, training.progress, training.statistics
    if progress.dropout_generator is not None:
        streams.append(progress.dropout_generator.bit_generator.state)
    history = {k: v for k, v in estimator.history_.items() if k != "seconds"}
    moments = known.feature_moments, known.target_moments
    return (
        *(names, streams, progress.random_state.get_state()[1:3], history),
        *(estimator.coefs_, estimator.intercepts_, training.network.parameters),
        *(vars(learner.state), learner.learning_rate, learner.objective.mean_weight),
        *(estimator.t_, estimator.n_iter_, estimator.loss_, estimator.best_loss_),
        *(vars(progress.best), [vars(each) for each in moments if each is not None]),
    )


def assert_goes_on_like_its_twin(stream, estimator, twin, number):
    np.testing.assert_equal(state(estimator), state(twin))
    for again in range(number, len(CHUNKS)):
        stream.feed(estimator, again)
        stream.feed(twin, again)
    np.testing.assert_equal(state(estimator), state(twin))


@over_streams
def test_a_call_that_ends_at_any_line_is_as_if_it_had_not_been(stream):
    fed = stream.new()
    for number in range(len(CHUNKS)):
        last = lines_until_done(stream, fed, number)
        # lines all over the call, and its last ones
        for n_lines in {*np.linspace(FIRST, last, 7, dtype=int).tolist(), last - 1, last - 2}:
            estimator, twin = deepcopy(fed), deepcopy(fed)
            error = [KeyboardInterrupt, MemoryError][n_lines % 2]
            tracer = FailAfter(n_lines, error)
            try:
                tracer.run(stream.feed, estimator, number)
            except error:
                np.testing.assert_equal(state(estimator), state(twin))
        assert_goes_on_like_its_twin(stream, estimator, deepcopy(fed), number)
        stream.feed(fed, number)


@settings(deadline=None, max_examples=40, derandomize=True)
@given(
    name=st.sampled_from(sorted(STREAMS)),
    number=st.integers(0, len(CHUNKS) - 1),
    share=st.floats(0, 1),
)
def test_it_goes_on_like_a_twin_that_was_left_in_peace(name, number, share):
    stream = STREAMS[name]
    fed = stream.new()
    for earlier in range(number):
        stream.feed(fed, earlier)
    n_lines = 1 + round(share * (lines_until_done(stream, fed, number) - 1))
    estimator, twin = deepcopy(fed), deepcopy(fed)
    try:
        FailAfter(n_lines).run(stream.feed, estimator, number)
    except KeyboardInterrupt:
        assert_goes_on_like_its_twin(stream, estimator, twin, number)


class Failing(ReLU):
    """Fails in the k-th forward pass."""

    calls_left = 0

    def forward(self, Z, out):
        Failing.calls_left -= 1
        if Failing.calls_left == 0:
            raise ZeroDivisionError
        super().forward(Z, out)


class FailingSchedule(Schedule):
    """Fails at the end of an epoch."""

    fails = False

    def next_rate(self, initial, current, samples_seen):
        if FailingSchedule.fails:
            raise ZeroDivisionError
        return current / 2


@pytest.mark.parametrize("solver", STOCHASTIC)
@pytest.mark.parametrize("k", range(1, 6))
def test_a_users_activation_that_fails(solver, k):
    stream = Stream(BackpropRegressor, solver=solver, activation=Failing(), dropout=0.2)
    Failing.calls_left = 0
    estimator, twin = stream.feed(stream.new(), 0), stream.feed(stream.new(), 0)
    Failing.calls_left = k
    with pytest.raises(ZeroDivisionError):
        stream.feed(estimator, 2)
    assert_goes_on_like_its_twin(stream, estimator, twin, 1)


def test_a_users_schedule_that_fails_after_the_last_step():
    stream = Stream(BackpropRegressor, learning_rate=FailingSchedule())
    estimator, twin = stream.feed(stream.new(), 0), stream.feed(stream.new(), 0)
    FailingSchedule.fails = True
    with pytest.raises(ZeroDivisionError):
        stream.feed(estimator, 2)
    FailingSchedule.fails = False
    assert_goes_on_like_its_twin(stream, estimator, twin, 1)


@pytest.mark.parametrize("seed", [0, None, np.random.RandomState(5)])
def test_a_first_call_that_fails_gives_its_random_numbers_back(seed):
    np.random.seed(0)
    stream = Stream(BackpropRegressor, random_state=None, activation=Failing())
    Failing.calls_left = 0
    model = stream.new().set_params(random_state=seed)
    expected = stream.feed(deepcopy(model), 0).coefs_
    np.random.seed(0)
    Failing.calls_left = 2
    with pytest.raises(ZeroDivisionError):
        stream.feed(model, 0)
    np.testing.assert_equal(stream.feed(model, 0).coefs_, expected)


def test_warnings_that_are_errors_leave_it_as_it_was():
    """A divergence is told by a warning, which a user may have made an error."""
    stream = Stream(BackpropRegressor, solver="sgd")
    estimator = stream.feed(stream.new(), 0)
    twin = deepcopy(estimator)
    estimator.set_params(learning_rate_init=1e300)
    with pytest.raises(UserWarning, match="diverged"):
        stream.feed(estimator, 2)
    estimator.set_params(learning_rate_init=0.001)
    assert_goes_on_like_its_twin(stream, estimator, twin, 1)


def test_a_loop_over_a_stream_ends_by_ctrl_c():
    stream = Stream(BackpropRegressor, activation=Failing())
    Failing.calls_left = 0
    estimator = stream.feed(stream.new(), 0)
    fed = 0
    with pytest.raises(KeyboardInterrupt):
        for number in (1, 2, 1, 2):
            FailAfter(None if number == 1 else 400).run(stream.feed, estimator, number)
            fed += 1
    assert fed == 1 and estimator.n_iter_ == 2
