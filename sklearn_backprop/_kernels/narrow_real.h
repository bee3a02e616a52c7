/* Products with a matrix of few columns: the last layer's, where BLAS packs more than it
   multiplies. For one type of numbers, as exponentials_real.h.

   A is (n_samples x n_units) with `A_step` numbers from one row to the next, W is
   (n_units x n_outputs) and delta (n_samples x n_outputs), both without gaps, and W and dW have
   at most NARROW_ROOM numbers. What becomes of a row does not depend on the others. */

/* W with its columns next to one another. */
INLINE void NAME(turn)(const real *W, real *turned, ptrdiff_t n_units, ptrdiff_t n_outputs)
{
    for (ptrdiff_t j = 0; j < n_outputs; j++)
        for (ptrdiff_t p = 0; p < n_units; p++)
            turned[j * n_units + p] = W[p * n_outputs + j];
}

/* Z = A W: four rows at a time, for a sum waits for the one before. */
static VECTORIZED void NAME(narrow_forward)(
    const void *of_A, ptrdiff_t A_step, const void *of_W, void *of_Z, ptrdiff_t n_samples,
    ptrdiff_t n_units, ptrdiff_t n_outputs)
{
    real room[NARROW_ROOM];
    const real *A = (const real *)of_A;
    real *Z = (real *)of_Z;
    NAME(turn)((const real *)of_W, room, n_units, n_outputs);
    for (ptrdiff_t i = 0; i < n_samples; i += 4) {
        /* past the last row the last one is taken again */
        const ptrdiff_t left = n_samples - i - 1;
        const ptrdiff_t one = left < 1 ? left : 1, two = left < 2 ? left : 2,
                        three = left < 3 ? left : 3;
        const real *a = A + i * A_step;
        const real *b = a + one * A_step, *c = a + two * A_step, *d = a + three * A_step;
        for (ptrdiff_t j = 0; j < n_outputs; j++) {
            const real *w = room + j * n_units;
            real sum_a = 0, sum_b = 0, sum_c = 0, sum_d = 0;
            SUMS(sum_a, sum_b, sum_c, sum_d)
            for (ptrdiff_t p = 0; p < n_units; p++) {
                sum_a += a[p] * w[p];
                sum_b += b[p] * w[p];
                sum_c += c[p] * w[p];
                sum_d += d[p] * w[p];
            }
            real *z = Z + i * n_outputs + j;
            z[three * n_outputs] = sum_d;
            z[two * n_outputs] = sum_c;
            z[one * n_outputs] = sum_b;
            z[0] = sum_a;
        }
    }
}

/* dW = the transpose of A, times delta: four samples are added at a time. */
static VECTORIZED void NAME(narrow_gradient)(
    const void *of_A, ptrdiff_t A_step, const void *of_delta, void *of_dW, ptrdiff_t n_samples,
    ptrdiff_t n_units, ptrdiff_t n_outputs)
{
    real sums[NARROW_ROOM];
    const real *A = (const real *)of_A, *delta = (const real *)of_delta;
    real *dW = (real *)of_dW;
    memset(sums, 0, (size_t)(n_units * n_outputs) * sizeof(real));
    ptrdiff_t i = 0;
    for (; i + 4 <= n_samples; i += 4) {
        const real *a = A + i * A_step, *b = a + A_step, *c = b + A_step, *d = c + A_step;
        for (ptrdiff_t j = 0; j < n_outputs; j++) {
            const real *of = delta + i * n_outputs + j;
            const real to_a = of[0], to_b = of[n_outputs], to_c = of[2 * n_outputs],
                       to_d = of[3 * n_outputs];
            real *sum = sums + j * n_units;
            ELEMENTS
            for (ptrdiff_t p = 0; p < n_units; p++)
                sum[p] += (a[p] * to_a + b[p] * to_b) + (c[p] * to_c + d[p] * to_d);
        }
    }
    for (; i < n_samples; i++) {
        const real *a = A + i * A_step;
        for (ptrdiff_t j = 0; j < n_outputs; j++) {
            const real to_a = delta[i * n_outputs + j];
            real *sum = sums + j * n_units;
            ELEMENTS
            for (ptrdiff_t p = 0; p < n_units; p++)
                sum[p] += a[p] * to_a;
        }
    }
    for (ptrdiff_t p = 0; p < n_units; p++)
        for (ptrdiff_t j = 0; j < n_outputs; j++)
            dW[p * n_outputs + j] = sums[j * n_units + p];
}

/* delta_below = delta times W for one output: each row is a multiple of W. */
static VECTORIZED void NAME(narrow_back)(
    const void *of_delta, const void *of_W, void *of_below, ptrdiff_t n_samples,
    ptrdiff_t n_units)
{
    const real *W = (const real *)of_W;
    for (ptrdiff_t i = 0; i < n_samples; i++) {
        const real d = ((const real *)of_delta)[i];
        real *below = (real *)of_below + i * n_units;
        ELEMENTS
        for (ptrdiff_t p = 0; p < n_units; p++)
            below[p] = d * W[p];
    }
}
