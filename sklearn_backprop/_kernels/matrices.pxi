"""Arrays as BLAS takes them, and their products: a part of ``compiled.pyx``."""

cdef extern from "loops.h":
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
    it.n_rows, it.n_columns = 1, shape[last]
    if last == 2 and shape[1] != 1:
        return False
    return it.n_columns <= 1 or strides[last] == SIZE[kind]


cdef inline Matrices turned(Matrices it) noexcept nogil:
    """Return matrices transposed."""
    it.n_rows, it.n_columns = it.n_columns, it.n_rows
    it.transposed = not it.transposed
    return it


cdef inline bint alike(Matrices *one, Matrices *other) noexcept nogil:
    """Tell whether two have the same shape."""
    return (
        one.n_networks == other.n_networks and one.n_rows == other.n_rows
        and one.n_columns == other.n_columns
    )


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
        and not C.transposed and C.n_networks == n_networks
        and (A.n_networks == n_networks or A.step == 0)
        and (B.n_networks == n_networks or B.step == 0)
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
