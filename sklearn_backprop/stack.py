"""Train networks of one shape side by side, as one stack, each as if it were alone.

A step of a small network is mostly the cost of calling NumPy. On a stack the same
calls serve all its networks. What may differ between them lies along the leading
axis: weights, learning rates, penalties, hyperparameters of the optimizer, samples.
"""

import numpy as np

from .backprop import Network, StreamBatch
from .dropout import stacked_dropout
from .samples import rows_per_block
from .training import Training, step


class Stream:
    """Members that read the same samples in the same order, so each batch is gathered once.

    Parameters
    ----------
    member : Member
        The first.
    """

    def __init__(self, member):
        self.samples = member.samples
        self.batch_size = member.batch_size
        self.random_state = member.training.random_state
        paused = member.fit.order
        self.order = np.arange(self.samples.n_samples) if paused is None else paused
        self.buffers = {}

    def fits(self, member):
        """Tell whether a member reads what this stream reads."""
        return (
            self.batch_size == member.batch_size
            and self.samples.equals(member.samples)
            and _same_state(self.random_state, member.training.random_state)
            and (member.fit.order is None or np.array_equal(self.order, member.fit.order))
        )

    def begin_epoch(self, shuffle):
        """Draw the epoch's order."""
        n_samples = self.samples.n_samples
        if shuffle:
            self.order = self.order[self.random_state.permutation(n_samples)]
        # the order inside a single batch changes nothing but rounding
        in_order = not shuffle or self.batch_size == n_samples
        self.positions = np.arange(n_samples) if in_order else self.order

    def take(self, start, stop):
        """Return ``(X, Y, sample_weight)`` of some positions; past the end, rows of weight 0."""
        index = self.positions[start:stop]
        n_missing = stop - start - len(index)
        if n_missing:
            index = np.append(index, np.repeat(self.positions[:1], n_missing))
        X, Y, weight = self.samples.take(index, self.buffers)
        if n_missing:
            weight = np.ones((len(index), 1), Y.dtype) if weight is None else weight.copy()
            weight[-n_missing:] = 0
        return X, Y, weight


def _same_state(one, other):
    mine, its = one.get_state(legacy=True), other.get_state(legacy=True)
    return mine[2:] == its[2:] and np.array_equal(mine[1], its[1])


class Member:
    """A network of a stack, with all that is its own.

    Parameters
    ----------
    fit : PreparedFit
        What is trained.

    Attributes
    ----------
    error : Exception or None
        What went wrong. It ended this member's training and no other's.
    """

    def __init__(self, fit):
        self.fit = fit
        self.training = fit.training
        self.loop = fit.loop
        self.samples = fit.samples
        self.batch_size = fit.batch_size
        self.stream = self.error = None
        self.has_ended = False

    def set_rate(self, share_of_epoch):
        """Set the learning rate of a step; a schedule that fails ends this training alone."""
        if self.training.schedule.by_step and self.error is None:
            try:
                self.training.set_rate(share_of_epoch)
            except Exception as error:
                self.error = error

    def end_of_epoch(self, loss):
        """Return whether training has ended, by itself or by an error."""
        try:
            self.has_ended = self.error is not None or self.loop.end_of_epoch(loss)
        except Exception as error:
            self.error = error
            self.has_ended = True
        return self.has_ended

    def leave(self):
        """Take along the random stream and the order of the samples as they now stand."""
        state = np.random.RandomState()
        state.set_state(self.stream.random_state.get_state())
        self.training.random_state = state
        self.fit.order = self.stream.order.copy()


def train_together(fits, shuffle, until=None):
    """Train fits whose structure agrees; each ends as its own loop says.

    Parameters
    ----------
    fits : list of PreparedFit
        Of one structure (see ``stacking.structure``), new or paused.
    shuffle : bool
        Whether each epoch has a new order.
    until : int, default=None
        Pause after this epoch.

    Returns
    -------
    list of Member
        In the order of ``fits``. For those that have ended what remains is
        ``loop.finish``, or to raise ``error``.
    """
    members = [Member(fit) for fit in fits]
    streams = []
    for member in members:
        if member.fit.order is None:
            member.loop.begin()
        else:
            member.loop.resume()
        member.stream = next((stream for stream in streams if stream.fits(member)), None)
        if member.stream is None:
            member.stream = Stream(member)
            streams.append(member.stream)
    alive = sorted(members, key=lambda member: streams.index(member.stream))
    with np.errstate(all="ignore"):
        while alive:
            stack = Stack(alive)
            ended = set()
            while not ended:
                losses = stack.epoch(shuffle)
                ended = {
                    member
                    for member, loss in zip(alive, losses, strict=True)
                    if member.end_of_epoch(loss) or member.loop.n_epochs == until
                }
            stack.release()
            for member in ended:
                member.leave()
            alive = [member for member in alive if member not in ended]
    return members


class Stack:
    """Some members' networks as one, until one of them leaves.

    The members' own networks become views of its rows.

    Parameters
    ----------
    members : list of Member
        Those of a stream next to one another.
    """

    def __init__(self, members):
        self.members = members
        self.trainings = [member.training for member in members]
        first = self.trainings[0]
        network = Network(
            first.network.layer_sizes,
            first.network.activation,
            first.network.output_activation,
            first.network.dtype,
            len(members),
        )
        for k, training in enumerate(self.trainings):
            network.parameters[k] = training.network.parameters
            training.network.bind(network.parameters[k], network.gradient[k])
        network.training_activations = stacked_dropout(
            [training.network.training_activations for training in self.trainings]
        )
        self.streams = list(dict.fromkeys(member.stream for member in members))
        self.slices, self.stream_of = _runs([member.stream for member in members])
        self.n_samples = np.array([m.samples.n_samples for m in members])
        self.shortest = int(self.n_samples.min())
        self.by_step = any(training.schedule.by_step for training in self.trainings)
        self.training = StackTraining(
            network,
            first.loss,
            _stacked_optimizer([training.optimizer for training in self.trainings]),
            None,
            _column([training.alpha for training in self.trainings]),
            None,
            None,
            max_grad_norm=None
            if first.max_grad_norm is None
            else _column([training.max_grad_norm for training in self.trainings]),
            mean_weight=_column([training.mean_weight for training in self.trainings]),
        )
        self.training.state = _stacked_state(
            self.training.optimizer, network, [training.state for training in self.trainings]
        )

    def release(self):
        """Give each member its network and its optimizer's state back."""
        state = self.training.state
        for k, training in enumerate(self.trainings):
            network = training.network
            network.bind(network.parameters.copy(), network.gradient.copy())
            for name, value in state.items():
                if name in self.training.optimizer.slots:
                    training.state[name] = value[k].copy()
                elif isinstance(value, (float, np.ndarray)):
                    training.state[name] = float(np.ravel(value)[k if np.ndim(value) else 0])

    def epoch(self, shuffle):
        """Pass once over each member's samples; return the list of their objectives."""
        for stream in self.streams:
            stream.begin_epoch(shuffle)
        batch_size = max(stream.batch_size for stream in self.streams)
        longest = int(self.n_samples.max())
        self._set_rates(0.0)
        total = penalty = np.zeros(len(self.members))
        per_block = rows_per_block(self.streams[0].samples.X, batch_size)
        for start in range(0, longest, per_block):
            finite = np.isfinite(total)  # a member that has diverged keeps what it had then
            stop = min(start + per_block, longest)
            losses, norms = self._block(start, stop, batch_size, penalty)
            total = np.where(finite, total + losses, total)
            penalty = np.where(finite, norms, penalty)
        objective = total + self.training.alpha_of_each * penalty
        for training, n_samples in zip(self.trainings, self.n_samples, strict=True):
            training.samples_seen += int(n_samples)
        means = [training.mean_weight for training in self.trainings]
        return (objective / (self.n_samples * means)).tolist()

    def _block(self, start, stop, batch_size, penalty):
        """Take the steps of some batches; return each member's loss, and its penalty so far."""
        X, Y, weight = self._gather(start, stop)
        outputs = np.empty_like(Y)
        for first in range(0, stop - start, batch_size):
            batch = slice(first, min(first + batch_size, stop - start))
            if self.by_step:
                self._set_rates((start + first) / self.n_samples)
            data = (
                StreamBatch([x[batch] for x in X], self.slices),
                Y[:, batch],
                None if weight is None else weight[:, batch],
            )
            if start + batch.stop <= self.shortest:
                self.training.set_rows(None)
                outputs[:, batch], norm = step(self.training, *data)
            else:
                rows = np.minimum(self.n_samples - start, batch.stop) - batch.start
                outputs[:, batch], norm = self._last_step(*data, rows)
            penalty = penalty + norm
        return self.training.loss.sum(Y, outputs, weight), penalty

    def _last_step(self, X, Y, weight, rows):
        """Take a step for which some members have fewer rows than others, or none."""
        training, idle = self.training, np.flatnonzero(rows <= 0)
        training.set_rows(rows)
        if not len(idle):
            return step(training, X, Y, weight)
        _spread(training.state, len(self.members))
        before = [array[idle].copy() for array in self._what_steps_change()]
        outputs, norm = step(training, X, Y, weight)
        for array, rows_before in zip(self._what_steps_change(), before, strict=True):
            array[idle] = rows_before
        return outputs, np.where(rows > 0, norm, 0.0)

    def _what_steps_change(self):
        network = self.training.network
        return [
            network.parameters,
            network.gradient,
            *_rows_of(self.training.state, len(self.members)),
        ]

    def _gather(self, start, stop):
        """Return X a stream; Y and the weights (None if all are 1) a member."""
        parts = [stream.take(start, stop) for stream in self.streams]
        X = [part[0] for part in parts]
        Y = np.stack([part[1] for part in parts])[self.stream_of]
        if all(part[2] is None for part in parts):
            return X, Y, None
        ones = np.ones((stop - start, 1), Y.dtype)
        weight = np.stack([ones if part[2] is None else part[2] for part in parts])
        return X, Y, weight[self.stream_of]

    def _set_rates(self, done):
        """Set the learning rates of a step that so much of each member's epoch comes before."""
        if self.by_step:
            # Python floats: an np.float64 would take float32 arithmetic to float64
            shares = np.broadcast_to(done, len(self.trainings)).tolist()
            for member, share in zip(self.members, shares, strict=True):
                if share < 1:  # else it has had its last step
                    member.set_rate(share)
        self.training.learning_rate = _column([t.learning_rate for t in self.trainings])


class StackTraining(Training):
    """The training of a stack: a share of the objective for each network."""

    @property
    def alpha_of_each(self):
        """Penalties, of shape (n_networks,)."""
        return np.broadcast_to(np.ravel(self.alpha), len(self.network.parameters))

    def set_rows(self, rows):
        """Say how many rows of the next batch each network has; None means all of them."""
        all_the_same = rows is None or (rows == rows[0]).all()
        self._rows = None if all_the_same else np.maximum(rows, 1)[:, None]

    def shares(self, n_samples):
        """Return a sample's and the penalty's share, numbers or one a network."""
        share = 1 / ((n_samples if self._rows is None else self._rows) * self.mean_weight)
        if not isinstance(share, np.ndarray):
            return share, self.alpha * share
        return share[:, None].astype(self.network.dtype), self.alpha * share


def _runs(streams):
    """Return the slices of equal neighbours, and for each its slice's number."""
    slices, numbers = [], []
    for k, stream in enumerate(streams):
        if k and stream is streams[k - 1]:
            slices[-1] = slice(slices[-1].start, k + 1)
        else:
            slices.append(slice(k, k + 1))
        numbers.append(len(slices) - 1)
    return slices, np.array(numbers)


def _column(values):
    """Return what all networks have in common, or a column with one value a network."""
    if all(value == values[0] for value in values):
        return values[0]
    return np.array(values, dtype=np.float64)[:, None]


def _stacked_optimizer(optimizers):
    """Return an optimizer whose hyperparameters are columns where they differ."""
    given = [optimizer.get_params(deep=False) for optimizer in optimizers]
    return type(optimizers[0])(
        **{name: _column([params[name] for params in given]) for name in given[0]}
    )


def _stacked_state(optimizer, network, states):
    """Return one state out of each network's."""
    stacked = optimizer.init(network.parameters, network.n_weights)
    in_common = "rate_factors", "first_layer"
    stacked |= {name: states[0][name] for name in in_common}
    for name in stacked.keys() - {"rounded", "n_weights", *in_common}:
        values = [state[name] for state in states]
        stacked[name] = np.stack(values) if np.ndim(values[0]) else _column(values)
    return stacked


def _spread(state, n_networks):
    """Make a number that the networks have in common a column, so that rows can be kept."""
    for name, value in state.items():
        if isinstance(value, float):
            state[name] = np.full((n_networks, 1), value)


def _rows_of(state, n_networks):
    """Return the arrays of a state that have a row for each network."""
    return [v for v in state.values() if isinstance(v, np.ndarray) and len(v) == n_networks]
