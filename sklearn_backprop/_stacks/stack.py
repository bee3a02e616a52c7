"""Train networks of one shape side by side, as one stack, each as if it were alone.

A step of a small network is mostly the cost of calling NumPy. On a stack the same
calls serve all its networks. What may differ between them lies along the leading
axis: weights, learning rates, penalties, hyperparameters of the optimizer, samples.

A network comes out with the bits that it has alone. For that, all that it goes through is
either element by element in exactly rounded operations, or a call that treats its slice as
the whole (a matrix product, the sum over its samples); and it never sees a row that is not
its own: where the last batches differ in length, each length takes its step by itself.
"""

from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np

from .._engine.samples import Batch, Block, Order, rows_per_block
from .._engine.training import step
from .._fitting.epochs import epochs
from .._kernels.products import SharedBatch
from .stack_training import column, hand_back, join, like, spread, stacked_learner


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
        self.random_state = member.training.progress.random_state
        n_samples = self.samples.n_samples
        self.order = Order(
            n_samples, self.batch_size, member.shuffle, self.random_state, member.order
        )
        self.buffers = {}

    def fits(self, member):
        """Tell whether a member reads what this stream reads."""
        return (
            self.batch_size == member.batch_size
            and self.samples.equals(member.samples)
            and _same_state(self.random_state, member.training.progress.random_state)
            and np.array_equal(self.order.rows, member.order)
        )

    def begin_epoch(self):
        """Draw the epoch's order."""
        order = self.order.next()
        self.positions = np.arange(self.samples.n_samples) if order is None else order

    def take(self, start, stop):
        """Return a ``Part`` of some positions; none are past the end."""
        return self.samples.take(self.positions[start:stop], self.buffers)


def _same_state(one, other):
    mine, its = one.get_state(legacy=True), other.get_state(legacy=True)
    return mine[2:] == its[2:] and np.array_equal(mine[1], its[1])


class Member:
    """A network of a stack, with all that is its own.

    Parameters
    ----------
    fit : PreparedFit
        What is trained.
    shuffle : bool
        Whether each epoch has a new order.

    Attributes
    ----------
    error : Exception or None
        What went wrong. It ended this member's training and no other's.
    """

    def __init__(self, fit, shuffle):
        self.fit = fit
        self.training = fit.training
        self.loop = fit.loop
        self.samples = fit.samples
        self.batch_size = fit.batch_size
        self.shuffle = shuffle
        self.stream: Stream | None = None
        self.error: Exception | None = None
        self.has_ended = False

    @property
    def order(self):
        """The order of the samples before the next epoch."""
        paused = self.fit.order
        return np.arange(self.samples.n_samples) if paused is None else paused

    def epochs_alone(self):
        """Train to the end, outside of any stack; yield after each epoch but the last."""
        self.loop.begin()
        each = epochs(self.training, self.samples, self.batch_size, self.shuffle)
        while True:
            try:
                loss = next(each)
            except Exception as error:
                self.error, loss = error, np.nan
            if self.end_of_epoch(loss):
                return
            yield

    def set_rate(self, share_of_epoch):
        """Set the learning rate of a step; a schedule that fails ends this training alone."""
        if self.training.settings.schedule.by_step and self.error is None:
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
        self.training.progress.random_state = state
        self.fit.order = self.stream.order.rows.copy()


def epochs_together(members, until=None):
    """Train members whose structure agrees; each ends as its own loop says.

    Parameters
    ----------
    members : list of Member
        Of one structure (see ``planning.structure``), new or paused.
    until : int, default=None
        Pause after this epoch.

    Yields
    ------
    None
        After each epoch. What remains for those that have ended is ``loop.finish``, or to
        raise ``error``.
    """
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
    alive = sorted(
        members, key=lambda member: (member.samples.n_samples, streams.index(member.stream))
    )
    while alive:
        stack = Stack(alive)
        ended = set()
        while not ended:
            losses = stack.epoch()
            ended = {
                member
                for member, loss in zip(alive, losses, strict=True)
                if member.end_of_epoch(loss) or member.loop.n_epochs == until
            }
            yield
        stack.release()
        for member in ended:
            member.leave()
        alive = [member for member in alive if member not in ended]


@dataclass(frozen=True)
class Length:
    """Neighbours in a stack whose networks have the same number of samples."""

    n_samples: int
    members: slice
    streams: slice

    def rows(self, start, stop):
        """Return how many of some positions they have."""
        return max(0, min(self.n_samples, stop) - start)


class Stack:
    """Some members' networks as one, until one of them leaves.

    The members' own networks become views of its rows.

    Parameters
    ----------
    members : list of Member
        By number of samples; those of a stream next to one another.
    """

    def __init__(self, members):
        self.members = members
        self.learners = [member.training.learner for member in members]
        network = like(self.learners[0].network, len(members))
        for k, learner in enumerate(self.learners):
            network.parameters[k] = learner.network.parameters
            learner.network.bind(network.parameters[k], network.gradient[k])
        self.streams = list(dict.fromkeys(member.stream for member in members))
        self.slices, self.stream_of = _runs([member.stream for member in members])
        self.lengths = list(self._by_length())
        self.n_samples = np.array([m.samples.n_samples for m in members])
        self.batch_size = max(stream.batch_size for stream in self.streams)
        self.by_step = any(member.training.settings.schedule.by_step for member in members)
        self.learner = stacked_learner(self.learners, network)
        self.parts = {}  # the same for a length's members alone, once they are needed

    def _by_length(self):
        """Yield the lengths, in the order of the members."""
        runs, _ = _runs([member.samples.n_samples for member in self.members])
        for members in runs:
            first, last = (self.stream_of[k] for k in (members.start, members.stop - 1))
            n_samples = self.members[members.start].samples.n_samples
            yield Length(n_samples, members, slice(first, last + 1))

    def release(self):
        """Give each member its network and its optimizer's state back."""
        for learner in self.learners:
            network = learner.network
            network.bind(network.parameters.copy(), network.gradient.copy())
        hand_back(self.learner.state, [learner.state for learner in self.learners])

    def epoch(self):
        """Pass once over each member's samples; return the list of their objectives."""
        for stream in self.streams:
            stream.begin_epoch()
        longest = self.lengths[-1].n_samples
        self._set_rates(0.0)
        total = half_square = np.zeros(len(self.members))
        per_block = rows_per_block(self.streams[0].samples.X, self.batch_size)
        for start in range(0, longest, per_block):
            finite = np.isfinite(total)  # a member that has diverged keeps what it had then
            losses, squares = self._block(start, min(start + per_block, longest), half_square)
            total = np.where(finite, total + losses, total)
            half_square = np.where(finite, squares, half_square)
        for member in self.members:
            member.training.progress.samples_seen += member.samples.n_samples
        return self.learner.objective.value(total, half_square, self.n_samples).tolist()

    def _block(self, start, stop, half_square):
        """Take the steps of some batches; return each member's loss, and ½ ‖W‖² so far."""
        X, Y, weight = self._gather(start, stop)
        block = Block(Y, np.empty_like(Y), weight)
        for first in range(0, stop - start, self.batch_size):
            rows = slice(first, min(first + self.batch_size, stop - start))
            if self.by_step:
                self._set_rates((start + first) / self.n_samples)
            if start + rows.stop <= self.lengths[0].n_samples:
                inputs = SharedBatch([x[rows] for x in X], self.slices)
                square = _step(self.learner, inputs, block, slice(None), rows)
            else:
                square = self._last_step(X, block, start, rows)
            half_square = half_square + square
        return self._losses(block, start, stop), half_square

    def _last_step(self, X, block, start, rows):
        """Take a step for which some members have fewer rows than others, or none."""
        squares = np.zeros(len(self.members))
        numbers = spread(self.learner.state, len(self.members))
        for length in self.lengths:
            n_rows = length.rows(start + rows.start, start + rows.stop)
            if n_rows:
                own = slice(rows.start, rows.start + n_rows)
                inputs = [x[own] for x in X[length.streams]]
                inputs = SharedBatch(inputs, _shifted(self.slices[length.streams]))
                with self._alone(length) as learner:
                    squares[length.members] = _step(learner, inputs, block, length.members, own)
        join(self.learner.state, numbers)
        return squares

    @contextmanager
    def _alone(self, length):
        """Give the learner of a length's members, whose arrays are rows of the stack's."""
        rows, state = length.members, self.learner.state
        if length.n_samples not in self.parts:
            whole = self.learner.network
            network = like(whole, rows.stop - rows.start)
            network.bind(whole.parameters[rows], whole.gradient[rows])
            self.parts[length.n_samples] = stacked_learner(self.learners[rows], network)
        part = self.parts[length.n_samples]
        given: dict[str, Any] = {name: value[rows] for name, value in state.own().items()}
        for name, value in given.items():
            setattr(part.state, name, value)
        part.learning_rate = column([learner.learning_rate for learner in self.learners[rows]])
        yield part
        for name, value in given.items():
            if getattr(part.state, name) is not value:  # else it has changed in place
                getattr(state, name)[rows] = getattr(part.state, name)

    def _losses(self, block, start, stop):
        """Return the loss of each member, summed over its rows of a block."""
        loss = self.learner.objective.loss
        if stop <= self.lengths[0].n_samples:
            return loss.sum(block.Y, block.outputs, block.weight)
        losses = np.zeros(len(self.members))
        for length in self.lengths:
            rows = length.members, slice(length.rows(start, stop))
            weight = None if block.weight is None else block.weight[rows]
            losses[length.members] = loss.sum(block.Y[rows], block.outputs[rows], weight)
        return losses

    def _gather(self, start, stop):
        """Return X a stream; Y and the weights (None if all are 1) a member.

        A member that has no more samples has numbers there that nobody reads.
        """
        parts = [stream.take(start, stop) for stream in self.streams]
        X = [part[0] for part in parts]
        Y = self._of_each([part[1] for part in parts], stop - start)
        weights = [part[2] for part in parts]
        if all(weight is None for weight in weights):
            return X, Y, None
        ones = np.ones((stop - start, 1), Y.dtype)
        weights = [ones if weight is None else weight for weight in weights]
        return X, Y, self._of_each(weights, stop - start)

    def _of_each(self, arrays, n_rows):
        """Return arrays of the streams as one, with a row for each member."""
        together = np.zeros((len(arrays), n_rows, arrays[0].shape[1]), arrays[0].dtype)
        for row, array in zip(together, arrays, strict=True):
            row[: len(array)] = array[:n_rows]
        return together[self.stream_of]

    def _set_rates(self, done):
        """Set the learning rates of a step that so much of each member's epoch comes before."""
        if self.by_step:
            # Python floats: an np.float64 would take float32 arithmetic to float64
            shares = np.broadcast_to(done, len(self.members)).tolist()
            for member, share in zip(self.members, shares, strict=True):
                if share < 1:  # else it has had its last step
                    member.set_rate(share)
        self.learner.learning_rate = column([learner.learning_rate for learner in self.learners])


def _step(learner, inputs, block, members, rows):
    """Take a step of some members on some rows of a block; return ½ ‖W‖² before it."""
    objective, where = learner.objective, block.outputs[members, rows]
    weight = None if block.weight is None else block.weight[members, rows]
    shares = objective.shares(rows.stop - rows.start)
    batch = Batch.of(inputs, block.Y[members, rows], weight, shares, where)
    square = 0.0 if batch.penalty_share is None else learner.network.half_square()
    where[...] = step(learner, batch)
    return square


def _shifted(slices):
    """Return slices as they count from the first one's start."""
    start = slices[0].start
    return [slice(part.start - start, part.stop - start) for part in slices]


def _runs(items):
    """Return the slices of equal neighbours, and for each its slice's number."""
    slices, numbers = [], []
    for k, item in enumerate(items):
        if k and item == items[k - 1]:
            slices[-1] = slice(slices[-1].start, k + 1)
        else:
            slices.append(slice(k, k + 1))
        numbers.append(len(slices) - 1)
    return slices, np.array(numbers)
