/* What elementwise.h has, for one type of numbers: it sets `real`, `bits` (the integer of the
   same size), NAME and POINT (0 for float, 1 for double) and includes this file. */

#if POINT == 0
#define C(number) number##f
#define ROOT sqrtf
#else
#define C(number) number
#define ROOT sqrt
#endif

/* ---- exponential and logarithm -------------------------------------------------------- */

/* 1.5 times the power of two from which on a number has no digits behind the point: adding it
   rounds to an integer, whose digits are then the last bits of the sum. */
#if POINT == 0
#define ROUNDING 12582912.0f
#define EXPONENT_BIAS 127
#define MANTISSA_BITS 23
#else
#define ROUNDING 6755399441055744.0
#define EXPONENT_BIAS 1023
#define MANTISSA_BITS 52
#endif

/* 2^n, where `rounded` is n + ROUNDING and n an exponent of a normal number. */
INLINE real NAME(power_of_two)(real rounded)
{
    bits b;
    real power;
    memcpy(&b, &rounded, sizeof b);
#if POINT == 0
    b = (bits)(((uint32_t)b + EXPONENT_BIAS) << MANTISSA_BITS);
#else
    b = (bits)(((uint64_t)b + EXPONENT_BIAS) << MANTISSA_BITS);
#endif
    memcpy(&power, &b, sizeof power);
    return power;
}

/* Return exp(r) - 1 and set n (as n + ROUNDING), with z = n ln 2 + r and |r| <= ln(2) / 2.

   ln 2 is the sum of two numbers of which the first has so few digits that its multiples are
   exact (Cody and Waite, "Software manual for the elementary functions", 1980, ch. 6). The
   polynomial is near the best of its degree: fitted at Chebyshev's points in 40 digits; its
   own error is a fiftieth of a rounding. */
INLINE real NAME(reduced)(real z, real *rounded)
{
    const real k = z * C(1.4426950408889634) + ROUNDING;
    const real n = k - ROUNDING;
#if POINT == 0
    const real r = (z - n * 0.693359375f) - n * -2.12194440e-4f;
    real q = 0.0001989099082467365f;
    q = q * r + 0.001393364999630925f;
    q = q * r + 0.008333310925480901f;
    q = q * r + 0.04166646492528591f;
    q = q * r + 0.1666666668162323f;
    q = q * r + 0.5f;
#else
    const real r = (z - n * 0.693145751953125) - n * 1.42860682030941723212e-6;
    real q = 2.091468696808687723e-9;
    q = q * r + 2.510521700472074516e-8;
    q = q * r + 2.755727364311029533e-7;
    q = q * r + 2.755725540020642443e-6;
    q = q * r + 0.00002480158732554774122;
    q = q * r + 0.0001984126987482062527;
    q = q * r + 0.00138888888888837483;
    q = q * r + 0.008333333333326135126;
    q = q * r + 0.04166666666666666975;
    q = q * r + 0.1666666666666667099;
    q = q * r + 0.5;
#endif
    *rounded = k;
    return r + r * r * q;
}

/* exp(z), for any z: in two factors, so that what is not normal is right too. */
INLINE real NAME(exponential)(real z)
{
#if POINT == 0
    z = z < -104.0f ? -104.0f : z;
    z = z > 89.0f ? 89.0f : z;
#else
    z = z < -746.0 ? -746.0 : z;
    z = z > 710.0 ? 710.0 : z;
#endif
    real rounded;
    const real p = NAME(reduced)(z, &rounded);
    const real n = rounded - ROUNDING;
    const real half = n * C(0.5) + ROUNDING;
    const real rest = (n - (half - ROUNDING)) + ROUNDING;
    return (p + 1) * NAME(power_of_two)(half) * NAME(power_of_two)(rest);
}

/* exp(z) - 1, for z that are not positive: -1 in any precision from -40 on. */
INLINE real NAME(expm1_of_negative)(real z)
{
    z = z < -40 ? -40 : z;
    real rounded;
    const real p = NAME(reduced)(z, &rounded);
    const real scale = NAME(power_of_two)(rounded);
    return p * scale + (scale - 1);
}

/* log(1 + e), for e from 0 to 1: 2 artanh(s) with s = e / (2 + e). */
INLINE real NAME(log1p_of_share)(real e)
{
    const real s = e / (e + 2);
    const real t = s * s;
#if POINT == 0
    real g = 0.2322492177121458f;
    g = g * t + 0.217064609971957f;
    g = g * t + 0.2859236479519762f;
    g = g * t + 0.3999970620682496f;
    g = g * t + 0.6666666732087150f;
#else
    real g = 0.1616493816947133862;
    g = g * t + 0.08800317650868773469;
    g = g * t + 0.1200115518285777869;
    g = g * t + 0.1331413555088116286;
    g = g * t + 0.153855705929122436;
    g = g * t + 0.1818178941732644789;
    g = g * t + 0.2222222271780178169;
    g = g * t + 0.2857142856710506093;
    g = g * t + 0.4000000000001459661;
    g = g * t + 0.6666666666666665855;
#endif
    return 2 * s + s * t * g;
}

INLINE real NAME(sigmoid)(real z)
{
    return 1 / (1 + NAME(exponential)(-z));
}

/* Phi(z), the standard normal distribution function. */
INLINE real NAME(normal_cdf)(real z)
{
    const double x = (double)z * 0.70710678118654752440;
    return (real)(fabs(x) < 0.70710678118654752440 ? 0.5 + 0.5 * erf(x) : 0.5 * erfc(-x));
}

/* max(z, 0), of which NaN is NaN. */
INLINE real NAME(positive_part)(real z)
{
    return 0 > z ? 0 : z;
}

/* ---- activations: f(z), and delta times f'(z) ------------------------------------------ */

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

FORWARD(gelu, z * NAME(normal_cdf)(z))
SLOPE_FROM_Z(
    gelu_slope,
    const real density = NAME(exponential)(z * z * C(-0.5)) * C(0.3989422804014327),
    z * density + NAME(normal_cdf)(z))

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

/* ---- biases, errors, sums over samples ------------------------------------------------- */

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

/* ---- updates --------------------------------------------------------------------------- */

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

#undef C
#undef ROOT
#undef ROUNDING
#undef EXPONENT_BIAS
#undef MANTISSA_BITS
#undef FORWARD
#undef SLOPE_FROM
#undef SLOPE_FROM_A
#undef SLOPE_FROM_Z
#undef SELU_SCALE
#undef SELU_ALPHA
#undef MISH_POWERS
#undef LEAST_EXPONENT
#undef LARGEST_EXPONENT
