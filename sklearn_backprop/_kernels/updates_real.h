/* Biases, errors, sums over samples, and what becomes of the parameters. For one type of
   numbers, as exponentials_real.h. */

/* Z += b, in each row. */
static VECTORIZED void NAME(add_bias)(
    void *Z, const void *b, size_t n_samples, size_t n_units)
{
    for (size_t i = 0; i < n_samples; i++) {
        real *z = (real *)Z + i * n_units;
        ELEMENTS
        for (size_t k = 0; k < n_units; k++)
            z[k] += ((const real *)b)[k];
    }
}

/* delta = (A - Y) share: error x slope of a loss with its canonical output activation.
   Y has `Y_step` numbers a row, and share `share_step` a sample: 0 or 1. */
static VECTORIZED void NAME(canonical_delta)(
    const void *A, const void *Y, size_t Y_step, const void *share, size_t share_step,
    void *delta, size_t n_samples, size_t n_units)
{
    for (size_t i = 0; i < n_samples; i++) {
        const real *a = (const real *)A + i * n_units, *y = (const real *)Y + i * Y_step;
        real *d = (real *)delta + i * n_units;
        const real own = ((const real *)share)[i * share_step];
        ELEMENTS
        for (size_t k = 0; k < n_units; k++)
            d[k] = (a[k] - y[k]) * own;
    }
}

/* delta *= share, likewise. */
static VECTORIZED void NAME(times_share)(
    const void *share, size_t share_step, void *delta, size_t n_samples, size_t n_units)
{
    for (size_t i = 0; i < n_samples; i++) {
        real *d = (real *)delta + i * n_units;
        const real own = ((const real *)share)[i * share_step];
        ELEMENTS
        for (size_t k = 0; k < n_units; k++)
            d[k] *= own;
    }
}

/* db = the sum of delta's rows, one after another. */
static VECTORIZED void NAME(sum_of_rows)(
    const void *delta, void *db, size_t n_samples, size_t n_units)
{
    real *sum = (real *)db;
    for (size_t k = 0; k < n_units; k++)
        sum[k] = 0;
    for (size_t i = 0; i < n_samples; i++) {
        const real *d = (const real *)delta + i * n_units;
        ELEMENTS
        for (size_t k = 0; k < n_units; k++)
            sum[k] += d[k];
    }
}

/* to += share of */
static VECTORIZED void NAME(add_scaled)(void *to, const void *of, double share, size_t n)
{
    ELEMENTS
    for (size_t i = 0; i < n; i++)
        ((real *)to)[i] += ((const real *)of)[i] * (real)share;
}

static VECTORIZED void NAME(scale)(void *of, double factor, size_t n)
{
    ELEMENTS
    for (size_t i = 0; i < n; i++)
        ((real *)of)[i] *= (real)factor;
}

/* v = mu v - rate g; w += v, or with Nesterov's momentum w += mu v - rate g. */
static VECTORIZED void NAME(sgd)(
    void *parameters, const void *gradient, void *velocity, void *unused, size_t n,
    const double *constants)
{
    const real mu = (real)constants[0], rate = (real)constants[1];
    real *w = (real *)parameters, *v = (real *)velocity;
    (void)unused;
    if (constants[2])
        ELEMENTS
        for (size_t i = 0; i < n; i++) {
            const real step = ((const real *)gradient)[i] * rate;
            v[i] = v[i] * mu - step;
            w[i] = (w[i] - step) + v[i] * mu;
        }
    else
        ELEMENTS
        for (size_t i = 0; i < n; i++) {
            v[i] = v[i] * mu - ((const real *)gradient)[i] * rate;
            w[i] += v[i];
        }
}

/* m = beta_1 m + g, v = beta_2 v + g^2, w -= m / (sqrt(v) + epsilon) rate */
static VECTORIZED void NAME(adam)(
    void *parameters, const void *gradient, void *first, void *second, size_t n,
    const double *constants)
{
    const real beta_1 = (real)constants[0], beta_2 = (real)constants[1];
    const real epsilon = (real)constants[2], rate = (real)constants[3];
    real *w = (real *)parameters, *m = (real *)first, *v = (real *)second;
    ELEMENTS
    for (size_t i = 0; i < n; i++) {
        const real g = ((const real *)gradient)[i];
        m[i] = m[i] * beta_1 + g;
        v[i] = v[i] * beta_2 + g * g;
        w[i] -= m[i] / (ROOT(v[i]) + epsilon) * rate;
    }
}
