# cython: language_level=3, boundscheck=False, wraparound=False, initializedcheck=False
# cython: cdivision=True
"""The five equations compiled: as ``Textbook`` has them, with no interpreter between their parts.

Each product is a call of BLAS, and what follows it goes over memory once (``elementwise.h``).
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

from .products import SharedBatch

cnp.import_array()

ctypedef void (*Forward)(const void *, void *, size_t, size_t, double) noexcept nogil
ctypedef void (*Backward)(const void *, const void *, void *, size_t, size_t, double) noexcept nogil
ctypedef void (*Step)(void *, const void *, void *, void *, size_t, const double *) noexcept nogil

cdef extern from "elementwise.h":
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
    Py_ssize_t NARROW_ROOM
    void (*NARROW_FORWARD[2])(
        const void *, Py_ssize_t, const void *, void *, Py_ssize_t, Py_ssize_t, Py_ssize_t
    ) noexcept nogil
    void (*NARROW_GRADIENT[2])(
        const void *, Py_ssize_t, const void *, void *, Py_ssize_t, Py_ssize_t, Py_ssize_t
    ) noexcept nogil
    void (*NARROW_BACK[2])(
        const void *, const void *, void *, Py_ssize_t, Py_ssize_t
    ) noexcept nogil
    void (*TIMES_SHARE[2])(const void *, size_t, void *, size_t, size_t) noexcept nogil
    void (*SUM_OF_ROWS[2])(const void *, void *, size_t, size_t) noexcept nogil
    void (*ADD_SCALED[2])(void *, const void *, double, size_t) noexcept nogil
    void (*SCALE[2])(void *, double, size_t) noexcept nogil


# ---- BLAS ------------------------------------------------------------------------------------

cdef void *blas(str name) except NULL:
    """Return one of SciPy's BLAS functions, so that building needs no SciPy."""
    capsule = cython_blas.__pyx_capi__[name]
    signature = PyCapsule_GetName(capsule)
    if b"int *" not in signature:
        raise ImportError(f"SciPy's {name} does not take integers of 32 bits: {signature!r}")
    return PyCapsule_GetPointer(capsule, signature)


ctypedef void (*Gemm)(
    char *, char *, int *, int *, int *, void *, void *, int *, void *, int *, void *, void *, int *
) noexcept nogil
ctypedef double (*Ddot)(int *, void *, int *, void *, int *) noexcept nogil
ctypedef float (*Sdot)(int *, void *, int *, void *, int *) noexcept nogil

cdef Gemm[2] GEMM = [<Gemm> blas("sgemm"), <Gemm> blas("dgemm")]
cdef Sdot sdot = <Sdot> blas("sdot")
cdef Ddot ddot = <Ddot> blas("ddot")

ctypedef void *Address
cdef float[2] FLOATS = [0, 1]
cdef double[2] DOUBLES = [0, 1]
cdef Address[2] ZERO = [<Address> &FLOATS[0], <Address> &DOUBLES[0]]
cdef Address[2] ONE = [<Address> &FLOATS[1], <Address> &DOUBLES[1]]
cdef Py_ssize_t[2] SIZE = [sizeof(float), sizeof(double)]


# ---- arrays ----------------------------------------------------------------------------------

cdef struct Matrices:
    # a matrix, or one for each network of a stack, as BLAS takes it
    char *data
    Py_ssize_t step  # bytes from one network's to the next one's
    Py_ssize_t n_networks
    Py_ssize_t n_rows
    Py_ssize_t n_columns
    Py_ssize_t ld  # numbers from one row to the next
    bint transposed  # its columns lie next to one another, not its rows


cdef inline int kind_of(object array) noexcept:
    """Return 0 for an array of float, 1 of double, -1 for anything else."""
    if not cnp.PyArray_Check(array) or not cnp.PyArray_ISBEHAVED_RO(array):
        return -1
    cdef int number = cnp.PyArray_TYPE(array)
    return 1 if number == cnp.NPY_DOUBLE else 0 if number == cnp.NPY_FLOAT else -1


cdef bint take(object array, int kind, Matrices *it) noexcept:
    """Read where an array's numbers lie; tell whether BLAS can take it as it is."""
    if kind_of(array) != kind:
        return False
    cdef int n_axes = cnp.PyArray_NDIM(array)
    cdef const cnp.npy_intp *shape = cnp.PyArray_DIMS(array)
    cdef const cnp.npy_intp *strides = cnp.PyArray_STRIDES(array)
    cdef Py_ssize_t size = SIZE[kind], by_row, by_column
    if n_axes != 2 and n_axes != 3:
        return False
    it.data = cnp.PyArray_BYTES(array)
    it.n_networks, it.step = 1, 0
    if n_axes == 3:
        it.n_networks, it.step = shape[0], strides[0]
    it.n_rows, it.n_columns = shape[n_axes - 2], shape[n_axes - 1]
    # the stride of an axis that has one place, or none, says nothing
    by_row = strides[n_axes - 2] if it.n_rows > 1 else max(it.n_columns, 1) * size
    by_column = strides[n_axes - 1] if it.n_columns > 1 else size
    it.transposed = False
    if by_column != size or by_row < it.n_columns * size:
        it.transposed = True
        by_row, by_column = by_column, by_row
        if it.n_rows <= 1:
            by_column = size
        if by_column != size or by_row < it.n_rows * size:
            return False
    it.ld = by_row // size
    return by_row % size == 0 and max(it.ld, it.n_rows, it.n_columns) <= INT_MAX


cdef bint take_rows(object array, int kind, Matrices *it) noexcept:
    """Read where the numbers of an array with its rows next to one another lie."""
    return take(array, kind, it) and not it.transposed and (
        it.ld == it.n_columns or it.n_rows <= 1
    )


cdef bint take_vectors(object array, int kind, int n_axes, Matrices *it) noexcept:
    """Read where a vector's numbers lie, or one for each network; the others have one place."""
    if kind_of(array) != kind or not 1 <= cnp.PyArray_NDIM(array) <= n_axes:
        return False
    cdef int last = cnp.PyArray_NDIM(array) - 1
    cdef const cnp.npy_intp *shape = cnp.PyArray_DIMS(array)
    cdef const cnp.npy_intp *strides = cnp.PyArray_STRIDES(array)
    it.data = cnp.PyArray_BYTES(array)
    it.n_networks, it.step = 1, 0
    if last > 0:
        it.n_networks, it.step = shape[0], strides[0]
    it.n_columns = shape[last]
    if last == 2 and shape[1] != 1:
        return False
    return it.n_columns <= 1 or strides[last] == SIZE[kind]


cdef inline Matrices turned(Matrices it) noexcept nogil:
    """Return matrices transposed."""
    it.n_rows, it.n_columns = it.n_columns, it.n_rows
    it.transposed = not it.transposed
    return it


cdef void multiply(
    int kind, Matrices *A, Matrices *B, Matrices *C, Py_ssize_t first, Py_ssize_t stop
) noexcept nogil:
    """``C = A @ B`` for some networks, network by network; A's are counted from the first."""
    cdef Py_ssize_t i
    # BLAS has columns next to one another: for it these are the transposed matrices
    cdef char of_A = b"T" if A.transposed else b"N", of_B = b"T" if B.transposed else b"N"
    cdef int m = <int> B.n_columns, n = <int> A.n_rows, k = <int> A.n_columns
    cdef int ldA = <int> max(A.ld, 1), ldB = <int> max(B.ld, 1), ldC = <int> max(C.ld, 1)
    for i in range(first, stop):
        GEMM[kind](
            &of_B, &of_A, &m, &n, &k, ONE[kind], B.data + i * B.step, &ldB,
            A.data + (i - first) * A.step, &ldA, ZERO[kind], C.data + i * C.step, &ldC,
        )


cdef bint multiply_narrow(
    int kind, Matrices *A, Matrices *B, Matrices *C, Py_ssize_t first, Py_ssize_t stop
) noexcept nogil:
    """Do so if the last layer has few units, for which BLAS is slow; tell whether it was done.

    Measured: a sum of few terms is dearer to add up than BLAS's packing, and from four outputs
    on BLAS wins, in the gradient from nine.
    """
    cdef Py_ssize_t i, n_outputs = B.n_columns
    if C.n_columns > 1 and C.ld != C.n_columns:
        return False
    if B.transposed:  # back
        if B.n_rows != 1 or B.ld != 1 or A.transposed or A.ld > 1 or C.ld != C.n_columns:
            return False
        for i in range(first, stop):
            NARROW_BACK[kind](
                A.data + (i - first) * A.step, B.data + i * B.step, C.data + i * C.step,
                A.n_rows, C.n_columns,
            )
        return True
    if B.ld != n_outputs or C.ld != n_outputs or C.n_columns * B.n_rows == 0:
        return False
    if A.transposed:  # gradient
        if n_outputs > 8 or n_outputs * C.n_rows > NARROW_ROOM:
            return False
        for i in range(first, stop):
            NARROW_GRADIENT[kind](
                A.data + (i - first) * A.step, A.ld, B.data + i * B.step, C.data + i * C.step,
                A.n_columns, C.n_rows, n_outputs,
            )
        return True
    if n_outputs > 3 or 16 * n_outputs > B.n_rows or n_outputs * B.n_rows > NARROW_ROOM:
        return False
    for i in range(first, stop):
        NARROW_FORWARD[kind](
            A.data + (i - first) * A.step, A.ld, B.data + i * B.step, C.data + i * C.step,
            A.n_rows, B.n_rows, n_outputs,
        )
    return True


cdef bint agree(Matrices *A, Matrices *B, Matrices *C, Py_ssize_t n_networks) noexcept nogil:
    """Tell whether ``C = A @ B`` makes sense for so many networks."""
    return (
        A.n_columns == B.n_rows and A.n_rows == C.n_rows and B.n_columns == C.n_columns
        and not C.transposed and (A.n_networks == n_networks or A.step == 0)
    )


cdef bint product(
    object A, bint by_columns, int kind, Matrices *B, Matrices *C, bint leaves_large
) except -1:
    """``C = A @ B``, or with A transposed; tell whether it was done."""
    if type(A) is not SharedBatch:
        return product_of(A, by_columns, kind, B, C, 0, C.n_networks, False, leaves_large)
    for array, networks in zip(A.arrays, A.networks):
        if not product_of(
            array, by_columns, kind, B, C, networks.start, networks.stop, True, leaves_large
        ):
            return False
    return True


cdef bint product_of(
    object A, bint by_columns, int kind, Matrices *B, Matrices *C, Py_ssize_t first,
    Py_ssize_t stop, bint is_shared, bint leaves_large,
) except -1:
    """``C = A @ B`` for some networks, which may share A; tell whether it was done."""
    cdef Matrices a
    cdef bint done
    if not take(A, kind, &a):
        return False
    if by_columns:
        a = turned(a)
    if is_shared:
        a.step = 0
    if not agree(&a, B, C, C.n_networks) or stop > C.n_networks:
        return False
    with nogil:
        done = multiply_narrow(kind, &a, B, C, first, stop)
        if not (done or leaves_large):
            multiply(kind, &a, B, C, first, stop)
            done = True
    return done


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
            and take_vectors(b, kind, 3, &bias) and bias.n_columns == z.n_columns
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
        if form is NULL or kind < 0 or not (take_rows(Z, kind, &z) and take_rows(A, kind, &a)):
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
            take_rows(delta, kind, &d) and take_rows(A, kind, &a)
            and (take_rows(Z, kind, &z) or not f.needs_net_input)
        ):
            f.backward(Z, A, delta)
            return
        if not f.needs_net_input:
            z = a  # is not read
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
        if kind < 0 or not (take_rows(A, kind, &a) and take_rows(delta, kind, &d)):
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
            and take(Y, kind, &y) and not y.transposed
            and y.n_rows == d.n_rows and y.n_columns == d.n_columns
            and y.n_networks == d.n_networks
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
        if kind < 0 or not (take_vectors(W, kind, 2, &w) and take_vectors(dW, kind, 2, &g)):
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
            and take_vectors(gradient, kind, 2, &arrays[1])
        ) or has_own_for_each(learning_rate):
            self.textbook.update(optimizer, parameters, gradient, state, learning_rate, share)
            return
        n_slots = n_known
        cdef int slot
        if share is not None and optimizer.reparametrizes:
            self.penalize(parameters[..., : state.n_weights], share, gradient[..., : state.n_weights])
            share = None
        kept = optimizer.begin(parameters, gradient, state)
        for slot in range(n_slots):
            if not take_vectors(getattr(state, optimizer.slots[slot]), kind, 2, &arrays[2 + slot]):
                raise ValueError(f"The slot {optimizer.slots[slot]!r} is not like the parameters.")
        cdef Step step = SGD[kind] if n_slots == 1 else ADAM[kind]
        for start, stop, constants, shrink in optimizer.parts(state, learning_rate, arrays[0].n_columns):
            move(kind, step, n_slots, arrays, start, stop, state.n_weights, constants, shrink, share)
        optimizer.end(kept, parameters, gradient, state, learning_rate)


cdef bint has_own_for_each(object learning_rate) noexcept:
    """Tell whether there is a learning rate for each parameter."""
    if not cnp.PyArray_CheckExact(learning_rate):
        return False
    cdef int n_axes = cnp.PyArray_NDIM(learning_rate)
    return n_axes > 0 and cnp.PyArray_DIMS(learning_rate)[n_axes - 1] > 1


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
