/* Activations: f(z), and delta times f'(z). For one type of numbers, as exponentials_real.h.

   The formulas are those of the classes in sklearn_backprop/activations. */

/* A loop over all elements that computes a from z. */
#define FORWARD(name, formula)                                                            \
    static VECTORIZED void NAME(name)(                                                    \
        const void *Z, void *A, size_t n_samples, size_t n_units, double parameter)       \
    {                                                                                     \
        const real p = (real)parameter;                                                   \
        const size_t n = n_samples * n_units;                                             \
        (void)p;                                                                          \
        ELEMENTS                                                                          \
        for (size_t i = 0; i < n; i++) {                                                  \
            const real z = ((const real *)Z)[i];                                          \
            ((real *)A)[i] = (formula);                                                   \
        }                                                                                 \
    }

/* A loop over all elements that multiplies delta by a slope computed from z or from a. */
#define SLOPE_FROM(what, source, name, statements, slope)                                 \
    static VECTORIZED void NAME(name)(                                                    \
        const void *Z, const void *A, void *delta, size_t n_samples, size_t n_units,      \
        double parameter)                                                                 \
    {                                                                                     \
        const real p = (real)parameter;                                                   \
        const size_t n = n_samples * n_units;                                             \
        (void)p, (void)Z, (void)A;                                                        \
        ELEMENTS                                                                          \
        for (size_t i = 0; i < n; i++) {                                                  \
            const real what = ((const real *)source)[i];                                  \
            statements;                                                                   \
            ((real *)delta)[i] *= (slope);                                                \
        }                                                                                 \
    }
#define SLOPE_FROM_A(name, statements, slope) SLOPE_FROM(a, A, name, statements, slope)
#define SLOPE_FROM_Z(name, statements, slope) SLOPE_FROM(z, Z, name, statements, slope)

static void NAME(identity)(
    const void *Z, void *A, size_t n_samples, size_t n_units, double parameter)
{
    (void)parameter;
    if (A != Z)
        memcpy(A, Z, n_samples * n_units * sizeof(real));
}

static void NAME(identity_slope)(
    const void *Z, const void *A, void *delta, size_t n_samples, size_t n_units,
    double parameter)
{
    (void)Z, (void)A, (void)delta, (void)n_samples, (void)n_units, (void)parameter;
}

FORWARD(logistic, NAME(sigmoid)(z))
SLOPE_FROM_A(logistic_slope, , a * (1 - a))

INLINE real NAME(tangent)(real z)
{
    const real size = z < 0 ? -z : z;
    const real e = NAME(expm1_of_negative)(-2 * size);
    const real t = -e / (2 + e);
    return z < 0 ? -t : t;
}

FORWARD(tanh, NAME(tangent)(z))
SLOPE_FROM_A(tanh_slope, , 1 - a * a)

FORWARD(relu, NAME(positive_part)(z))
SLOPE_FROM_A(relu_slope, , (real)(a > 0 ? 1 : 0))

FORWARD(leaky_relu, z > 0 ? z : z * p)
SLOPE_FROM_A(leaky_relu_slope, , a > 0 ? 1 : p)

/* exp(z) - 1 times alpha below 0, z above; NaN goes through the sum. */
INLINE real NAME(elu_of)(real z, real alpha)
{
    const real negative = z > 0 ? 0 : z;
    return NAME(positive_part)(z) + alpha * NAME(expm1_of_negative)(negative);
}

FORWARD(elu, NAME(elu_of)(z, p))
SLOPE_FROM_A(elu_slope, , a > 0 ? 1 : a + p)

#define SELU_SCALE C(1.0507009873554805)
#define SELU_ALPHA C(1.6732632423543772)
FORWARD(selu, NAME(elu_of)(z, SELU_ALPHA) * SELU_SCALE)
SLOPE_FROM_A(selu_slope, , a > 0 ? SELU_SCALE : a + SELU_SCALE * SELU_ALPHA)

FORWARD(gelu, z * NAME(normal_cdf)(z, NAME(bell)(z)))
SLOPE_FROM_Z(
    gelu_slope,
    const real bell = NAME(bell)(z),
    z * (bell * C(0.3989422804014327)) + NAME(normal_cdf)(z, bell))

FORWARD(silu, z * NAME(sigmoid)(z))
SLOPE_FROM_Z(
    silu_slope,
    const real s = NAME(sigmoid)(z),
    s * (1 + (z - ((const real *)A)[i])))

INLINE real NAME(softplus_of)(real z)
{
    const real size = z < 0 ? -z : z;
    return NAME(positive_part)(z) + NAME(log1p_of_share)(NAME(exponential)(-size));
}

FORWARD(softplus, NAME(softplus_of)(z))
SLOPE_FROM_A(softplus_slope, , -NAME(expm1_of_negative)(-a))

/* With e = exp(z) and n = e (e + 2): z n / (n + 2). From 20 on it is z in any precision. */
#define MISH_POWERS                                          \
    const real small = z > 20 ? 20 : z;                      \
    const real e = NAME(exponential)(small);                 \
    const real n_ = e * (e + 2)

INLINE real NAME(mish_of)(real z)
{
    MISH_POWERS;
    return z * (n_ / (n_ + 2));
}

FORWARD(mish, NAME(mish_of)(z))
SLOPE_FROM_Z(mish_slope, MISH_POWERS, (4 * small * e * (1 + e) / (n_ + 2) + n_) / (n_ + 2))

/* Clipped to where the exponential is a normal number; a hair inside. */
#if POINT == 0
#define LEAST_EXPONENT -87.249214f
#define LARGEST_EXPONENT 88.63412f
#else
#define LEAST_EXPONENT -707.6880221137318
#define LARGEST_EXPONENT 709.0729301804906
#endif
FORWARD(exp, NAME(exponential)(
    z < LEAST_EXPONENT ? LEAST_EXPONENT : z > LARGEST_EXPONENT ? LARGEST_EXPONENT : z))
SLOPE_FROM_A(exp_slope, , a)

/* exp(z) over its sum along a row, shifted by the row's largest. */
static VECTORIZED void NAME(softmax)(
    const void *Z, void *A, size_t n_samples, size_t n_units, double parameter)
{
    const real *z = (const real *)Z;
    real *a = (real *)A;
    const size_t n = n_samples * n_units;
    (void)parameter;
    for (size_t start = 0; start < n; start += n_units) {
        real largest = z[start];
        for (size_t k = 1; k < n_units; k++) /* a NaN anywhere comes through in the sum */
            largest = z[start + k] > largest ? z[start + k] : largest;
        for (size_t k = 0; k < n_units; k++)
            a[start + k] = z[start + k] - largest;
    }
    ELEMENTS
    for (size_t i = 0; i < n; i++)
        a[i] = NAME(exponential)(a[i]);
    for (size_t start = 0; start < n; start += n_units) {
        real sum = 0;
        for (size_t k = 0; k < n_units; k++)
            sum += a[start + k];
        for (size_t k = 0; k < n_units; k++)
            a[start + k] /= sum;
    }
}

static void NAME(softmax_slope)(
    const void *Z, const void *A, void *delta, size_t n_samples, size_t n_units,
    double parameter)
{
    const real *a = (const real *)A;
    real *d = (real *)delta;
    (void)Z, (void)parameter;
    for (size_t start = 0; start < n_samples * n_units; start += n_units) {
        real sum = 0;
        for (size_t k = 0; k < n_units; k++)
            sum += d[start + k] * a[start + k];
        for (size_t k = 0; k < n_units; k++)
            d[start + k] = (d[start + k] - sum) * a[start + k];
    }
}
