# cython: language_level=3, boundscheck=False, wraparound=False, initializedcheck=False
# cython: cdivision=True
"""The five equations compiled: as ``Textbook`` has them, with no interpreter between their parts.

Each product is a call of BLAS, and what follows it goes over memory once (``loops.h``).
Arrays are read where they lie, in any layout that BLAS takes. What is not known here, such as
an activation from outside the package, goes through NumPy: for that part alone.

One network and a stack go through the same calls, network by network, so a network has the
same bits wherever it is.
"""

cimport numpy as cnp
from cpython.pycapsule cimport PyCapsule_GetName, PyCapsule_GetPointer
from libc.limits cimport INT_MAX

import numpy as np
from scipy.linalg import cython_blas

from ..optimizers._base import is_one_each
from .products import SharedBatch

cnp.import_array()

ctypedef void (*Forward)(const void *, void *, size_t, size_t, double) noexcept nogil
ctypedef void (*Backward)(const void *, const void *, void *, size_t, size_t, double) noexcept nogil
ctypedef void (*Step)(void *, const void *, void *, void *, size_t, const double *) noexcept nogil

cdef extern from "loops.h":
    ctypedef struct activation:
        const char *name
        const char *parameter
        Forward forward[2]
        Backward backward[2]
    activation ACTIVATIONS[]
    size_t N_ACTIVATIONS
    Step SGD[2]
    Step ADAM[2]
    void (*ADD_BIAS[2])(void *, const void *, size_t, size_t) noexcept nogil
    void (*CANONICAL_DELTA[2])(
        const void *, const void *, size_t, const void *, size_t, void *, size_t, size_t
    ) noexcept nogil
    void (*TIMES_SHARE[2])(const void *, size_t, void *, size_t, size_t) noexcept nogil
    void (*SUM_OF_ROWS[2])(const void *, void *, size_t, size_t) noexcept nogil
    void (*ADD_SCALED[2])(void *, const void *, double, size_t) noexcept nogil
    void (*SCALE[2])(void *, double, size_t) noexcept nogil


include "matrices.pxi"


# ---- what is known ---------------------------------------------------------------------------

cdef dict KNOWN_ACTIVATIONS = {
    ACTIVATIONS[i].name.decode(): (i, ACTIVATIONS[i].parameter.decode())
    for i in range(N_ACTIVATIONS)
}
cdef dict KNOWN_OPTIMIZERS = {"sgd": 1, "adam": 2, "adamw": 2, "input_scaled_adamw": 2}
"""How many slots a step changes."""

cdef Py_ssize_t ROWS_BLOCK = 2048
"""Numbers to which biases and activation are applied together, so that they stay in the cache."""

cdef Py_ssize_t STEP_BLOCK = 4096
"""Parameters that are moved together."""


def known_activations():
    """Return the names of the activations that are compiled."""
    return list(KNOWN_ACTIVATIONS)


def known_optimizers():
    """Return the names of the optimizers whose step is compiled."""
    return list(KNOWN_OPTIMIZERS)


cdef inline const activation *known(object f, double *parameter) except? NULL:
    """Return the compiled form of an activation, or NULL."""
    found = KNOWN_ACTIVATIONS.get(f.known_as)
    if found is None or f.has_side_effects:
        return NULL
    index, name = <tuple> found
    parameter[0] = getattr(f, name) if name else 0
    return &ACTIVATIONS[<Py_ssize_t> index]


cdef double number(object value, Py_ssize_t network) except? -1:
    """Return a number that all networks have, or a network's own out of a column."""
    if not cnp.PyArray_CheckExact(value):
        return value
    cdef Py_ssize_t offset = 0
    if cnp.PyArray_SIZE(value) > 1:
        offset = network * cnp.PyArray_STRIDES(value)[0]
    cdef char *at = cnp.PyArray_BYTES(value) + offset
    if cnp.PyArray_TYPE(value) == cnp.NPY_DOUBLE:
        return (<double *> at)[0]
    if cnp.PyArray_TYPE(value) == cnp.NPY_FLOAT:
        return (<float *> at)[0]
    return np.ravel(value)[network if cnp.PyArray_SIZE(value) > 1 else 0]


# ---- the equations ---------------------------------------------------------------------------

cdef class Compiled:
    """The equations, for one network or a stack.

    Parameters
    ----------
    textbook : Textbook or StackedTextbook
        Computes what is not known here.
    leaves_large : bool, default=False
        Whether products are left to NumPy's BLAS, but for those of few outputs. SciPy's is not
        called then: threads of both would wait for one another.
    """

    cdef readonly object textbook
    cdef readonly bint leaves_large

    def __init__(self, textbook, leaves_large=False):
        self.textbook = textbook
        self.leaves_large = leaves_large

    def __reduce__(self):
        return Compiled, (self.textbook, self.leaves_large)

    def forward(self, A_below, W, b, f, Z, A):
        """``Z = A_below @ W + b``, ``A = f(Z)``; a Z that is None is not kept."""
        net_input = A if Z is None else Z
        cdef int kind = kind_of(net_input)
        cdef Matrices weights, bias, z, a
        if kind < 0 or not (
            take(W, kind, &weights) and take_rows(net_input, kind, &z) and take_rows(A, kind, &a)
            and alike(&z, &a) and take_vectors(b, kind, 3, &bias)
            and bias.n_columns == z.n_columns
            and (bias.n_networks == z.n_networks or bias.step == 0)
        ):
            self.textbook.forward(A_below, W, b, f, Z, A)
            return
        if not product(A_below, False, kind, &weights, &z, self.leaves_large):
            self.textbook.matmul(A_below, W, net_input)
        cdef double parameter = 0
        cdef const activation *form = known(f, &parameter)
        cdef Forward function = NULL if form is NULL else form.forward[kind]
        with nogil:
            finish_forward(kind, function, parameter, &bias, &z, &a)
        if form is NULL:
            f.forward(net_input, out=A)

    def activate(self, f, Z, A):
        """``A = f(Z)``."""
        cdef int kind = kind_of(Z)
        cdef Matrices z, a
        cdef double parameter = 0
        cdef Py_ssize_t i
        cdef const activation *form = known(f, &parameter)
        if form is NULL or kind < 0 or not (
            take_rows(Z, kind, &z) and take_rows(A, kind, &a) and alike(&z, &a)
        ):
            f.forward(Z, out=A)
            return
        with nogil:
            for i in range(z.n_networks):
                form.forward[kind](
                    z.data + i * z.step, a.data + i * a.step, z.n_rows, z.n_columns, parameter
                )

    def times_slope(self, f, Z, A, delta):
        """``delta · f'(Z)``, in the place of delta."""
        cdef int kind = kind_of(delta)
        cdef Matrices z, a, d
        cdef double parameter = 0
        cdef Py_ssize_t i
        cdef const activation *form = known(f, &parameter)
        if form is NULL or kind < 0 or not (
            take_rows(delta, kind, &d) and take_rows(A, kind, &a) and alike(&a, &d)
        ):
            f.backward(Z, A, delta)
            return
        if not f.needs_net_input:
            z = a  # is not read
        elif not (take_rows(Z, kind, &z) and alike(&z, &d)):
            f.backward(Z, A, delta)
            return
        with nogil:
            for i in range(d.n_networks):
                form.backward[kind](
                    z.data + i * z.step, a.data + i * a.step, d.data + i * d.step,
                    d.n_rows, d.n_columns, parameter,
                )

    def output_delta(self, Y, Z, A, f, loss, share, delta):
        """``delta = dL/dA · f'(Z) · share``."""
        cdef int kind = kind_of(delta)
        cdef Matrices y, a, d, of_sample
        cdef double[1] same
        cdef size_t share_step = 0
        cdef Py_ssize_t i
        if kind < 0 or not (
            take_rows(A, kind, &a) and take_rows(delta, kind, &d) and alike(&a, &d)
        ):
            self.textbook.output_delta(Y, Z, A, f, loss, share, delta)
            return
        if not cnp.PyArray_CheckExact(share):
            fill(kind, same, share)
            of_sample.data, of_sample.step = <char *> same, 0
        elif take(share, kind, &of_sample) and of_sample.n_columns == 1 and (
            of_sample.n_rows == 1 or (of_sample.ld == 1 and of_sample.n_rows == d.n_rows)
        ) and (of_sample.n_networks == d.n_networks or of_sample.n_networks == 1):
            share_step = of_sample.n_rows > 1
            if of_sample.n_networks == 1:
                of_sample.step = 0
        else:
            self.textbook.output_delta(Y, Z, A, f, loss, share, delta)
            return
        if not (
            loss.canonical and f.known_as == loss.output_activation
            and take(Y, kind, &y) and not y.transposed and alike(&y, &d)
        ):
            loss.output_delta(Y, Z, A, f, out=delta)
            with nogil:
                for i in range(d.n_networks):
                    TIMES_SHARE[kind](
                        of_sample.data + i * of_sample.step, share_step,
                        d.data + i * d.step, d.n_rows, d.n_columns,
                    )
            return
        with nogil:
            for i in range(d.n_networks):
                CANONICAL_DELTA[kind](
                    a.data + i * a.step, y.data + i * y.step, y.ld,
                    of_sample.data + i * of_sample.step, share_step,
                    d.data + i * d.step, d.n_rows, d.n_columns,
                )

    def gradient(self, A_below, delta, dW, db):
        """``dL/dW = A_belowᵀ @ delta``, ``dL/db = Σ delta``."""
        cdef int kind = kind_of(delta)
        cdef Matrices d, weights, bias
        cdef Py_ssize_t i
        if kind < 0 or not (
            take_rows(delta, kind, &d) and take(dW, kind, &weights)
            and take_vectors(db, kind, 2, &bias) and bias.n_columns == d.n_columns
            and bias.n_networks == d.n_networks
        ):
            self.textbook.gradient(A_below, delta, dW, db)
            return
        if not product(A_below, True, kind, &d, &weights, self.leaves_large):
            self.textbook.matmul(self.textbook.transpose(A_below), delta, dW)
        with nogil:
            for i in range(d.n_networks):
                SUM_OF_ROWS[kind](
                    d.data + i * d.step, bias.data + i * bias.step, d.n_rows, d.n_columns
                )

    def back(self, delta, W, f_below, Z_below, A_below, delta_below):
        """``delta_below = (delta @ Wᵀ) · f'(Z_below)``."""
        cdef int kind = kind_of(delta_below)
        cdef Matrices weights, below
        if kind < 0 or not (take(W, kind, &weights) and take_rows(delta_below, kind, &below)):
            self.textbook.back(delta, W, f_below, Z_below, A_below, delta_below)
            return
        weights = turned(weights)
        if not product(delta, False, kind, &weights, &below, self.leaves_large):
            self.textbook.dot(delta, self.textbook.transpose(W), out=delta_below)
        self.times_slope(f_below, Z_below, A_below, delta_below)

    def penalize(self, W, share, dW):
        """``dL/dW += share · W``, of all weights as one vector."""
        cdef int kind = kind_of(dW)
        cdef Matrices w, g
        cdef Py_ssize_t i
        cdef double own
        if kind < 0 or not (
            take_vectors(W, kind, 2, &w) and take_vectors(dW, kind, 2, &g) and alike(&w, &g)
        ):
            self.textbook.penalize(W, share, dW)
            return
        for i in range(g.n_networks):
            own = number(share, i)
            with nogil:
                ADD_SCALED[kind](g.data + i * g.step, w.data + i * w.step, own, g.n_columns)

    def half_square(self, W):
        """Return ``½ ‖W‖²`` of all weights as one vector, or of each network's."""
        cdef int kind = kind_of(W)
        cdef Matrices w
        cdef Py_ssize_t i
        if self.leaves_large or kind < 0 or not take_vectors(W, kind, 2, &w) or (
            w.n_columns > INT_MAX
        ):
            return self.textbook.half_square(W)
        cdef int n = <int> w.n_columns
        if cnp.PyArray_NDIM(W) == 1:
            return half_square_of(kind, w.data, n)
        squares = np.empty(w.n_networks, W.dtype)
        for i in range(w.n_networks):
            squares[i] = half_square_of(kind, w.data + i * w.step, n)
        return squares

    def update(self, optimizer, parameters, gradient, state, learning_rate, share):
        """``dL/dW += share · W``, and the optimizer's step; a share that is None is no penalty."""
        cdef int kind = kind_of(parameters), n_slots
        cdef Matrices[4] arrays  # parameters, gradient, slots
        n_known = KNOWN_OPTIMIZERS.get(optimizer.known_as)
        if n_known is None or kind < 0 or not (
            take_vectors(parameters, kind, 2, &arrays[0])
            and take_vectors(gradient, kind, 2, &arrays[1]) and alike(&arrays[0], &arrays[1])
        ) or is_one_each(learning_rate):
            self.textbook.update(optimizer, parameters, gradient, state, learning_rate, share)
            return
        n_slots = n_known
        cdef int slot
        if share is not None and optimizer.reparametrizes:
            self.penalize(parameters[..., : state.n_weights], share, gradient[..., : state.n_weights])
            share = None
        kept = optimizer.begin(parameters, gradient, state)
        for slot in range(n_slots):
            if not (
                take_vectors(getattr(state, optimizer.slots[slot]), kind, 2, &arrays[2 + slot])
                and alike(&arrays[0], &arrays[2 + slot])
            ):
                raise ValueError(f"The slot {optimizer.slots[slot]!r} is not like the parameters.")
        cdef Step step = SGD[kind] if n_slots == 1 else ADAM[kind]
        for start, stop, constants, shrink in optimizer.parts(state, learning_rate, arrays[0].n_columns):
            move(kind, step, n_slots, arrays, start, stop, state.n_weights, constants, shrink, share)
        optimizer.end(kept, parameters, gradient, state, learning_rate)


cdef void fill(int kind, double *room, double value) noexcept:
    """Write a number of the kind."""
    if kind:
        room[0] = value
    else:
        (<float *> room)[0] = <float> value


cdef double half_square_of(int kind, char *w, int n) noexcept nogil:
    cdef int one = 1
    if kind:
        return 0.5 * ddot(&n, w, &one, w, &one)
    return 0.5 * sdot(&n, w, &one, w, &one)


cdef void finish_forward(
    int kind, Forward function, double parameter, Matrices *b, Matrices *z, Matrices *a
) noexcept nogil:
    """``Z += b``, ``A = f(Z)`` if f is known: some rows that stay in the cache at a time."""
    cdef Py_ssize_t i, row, n_rows, offset, units = z.n_columns
    cdef Py_ssize_t at_once = max(1, ROWS_BLOCK // max(units, 1))
    for i in range(z.n_networks):
        row = 0
        while row < z.n_rows:
            n_rows = min(at_once, z.n_rows - row)
            offset = row * units * SIZE[kind]
            ADD_BIAS[kind](z.data + i * z.step + offset, b.data + i * b.step, n_rows, units)
            if function is not NULL:
                function(
                    z.data + i * z.step + offset, a.data + i * a.step + offset,
                    n_rows, units, parameter,
                )
            row += n_rows


cdef int move(
    int kind, Step step, int n_slots, Matrices *arrays, Py_ssize_t start, Py_ssize_t stop,
    Py_ssize_t n_weights, tuple constants, object shrink, object share,
) except -1:
    """Penalize, shrink and move the parameters from ``start`` to ``stop`` of each network."""
    cdef double[4] own = [0, 0, 0, 0]
    cdef double own_share = 0, own_shrink = 1
    cdef bint penalizes = share is not None, shrinks = shrink is not None
    cdef Py_ssize_t i, k, first, n, n_decaying
    cdef Address[4] at
    for i in range(arrays[0].n_networks):
        for k in range(len(constants)):
            own[k] = number(constants[k], i)
        if penalizes:
            own_share = number(share, i)
        if shrinks:
            own_shrink = number(shrink, i)
        with nogil:
            first = start
            while first < stop:
                n = min(STEP_BLOCK, stop - first)
                n_decaying = max(0, min(n, n_weights - first))
                for k in range(4):
                    at[k] = NULL
                    if k < 2 + n_slots:
                        at[k] = arrays[k].data + i * arrays[k].step + first * SIZE[kind]
                if penalizes:
                    ADD_SCALED[kind](at[1], at[0], own_share, n_decaying)
                if shrinks:
                    SCALE[kind](at[0], own_shrink, n_decaying)
                step(at[0], at[1], at[2], at[3], n, own)
                first += n
    return 0
