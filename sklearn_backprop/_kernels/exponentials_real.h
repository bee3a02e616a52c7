/* Exponential and logarithm in forms that vectorize, for one type of numbers: loops.h sets
   `real`, `bits` (the integer of the same size), NAME and POINT (0 for float, 1 for double),
   and includes this file. */

#if POINT == 0
#define C(number) number##f
#define ROOT sqrtf
#else
#define C(number) number
#define ROOT sqrt
#endif

/* 1.5 times the power of two from which on a number has no digits behind the point: adding it
   rounds to an integer, whose digits are then the last bits of the sum. */
#if POINT == 0
#define ROUNDING 12582912.0f
#define SPLIT 4097.0f
#define EXPONENT_BIAS 127
#define MANTISSA_BITS 23
#else
#define ROUNDING 6755399441055744.0
#define SPLIT 134217729.0
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

/* exp(-z^2 / 2). The square's rounding, which the exponential would magnify, is made up for: z is
   the sum of two numbers whose products are exact (Dekker, "A floating-point technique for
   extending the available precision", Numerische Mathematik 18, 1971). */
INLINE real NAME(bell)(real z)
{
    real size = z < 0 ? -z : z;
    size = size > 40 ? 40 : size;
    const real wide = size * SPLIT;
    const real high = wide - (wide - size);
    const real low = size - high;
    const real square = size * size;
    const real rest = ((high * high - square) + 2 * high * low) + low * low;
    const real e = NAME(exponential)(square * C(-0.5));
    return e - e * (rest * C(0.5));
}

/* Phi(z), the standard normal distribution function, from bell(z): in the lower tail that times a
   smooth function of |z|, here a polynomial in t = 4 / (4 + |z|), fitted as the one above. */
INLINE real NAME(normal_cdf)(real z, real bell)
{
    real size = z < 0 ? -z : z;
    size = size > 40 ? 40 : size;
    const real t = 4 / (4 + size);
    const real u = t - C(0.5);
#if POINT == 0
    real q = -0.0061435856f;
    q = q * u + 0.0227935847f;
    q = q * u + 0.011019997f;
    q = q * u - 0.0511242811f;
    q = q * u - 0.0560532606f;
    q = q * u + 0.0602447328f;
    q = q * u + 0.241609738f;
    q = q * u + 0.373046098f;
    q = q * u + 0.387136894f;
    q = q * u + 0.303948299f;
    q = q * u + 0.188821284f;
#else
    real q = -0.0010475928719220567;
    q = q * u + 5.3230736121508289e-06;
    q = q * u + 0.003663862996913572;
    q = q * u - 0.0019454217516156642;
    q = q * u - 0.0050034854090775498;
    q = q * u + 0.0050665777368995987;
    q = q * u + 0.0043178902422625412;
    q = q * u - 0.0083564244111920868;
    q = q * u - 0.0025599619053034641;
    q = q * u + 0.012122139005243482;
    q = q * u + 0.00073208917252898828;
    q = q * u - 0.017993838063747995;
    q = q * u - 0.00048840791191676687;
    q = q * u + 0.029580137491196295;
    q = q * u + 0.008534031986149394;
    q = q * u - 0.052186190159378837;
    q = q * u - 0.055675077788864956;
    q = q * u + 0.060321511725000138;
    q = q * u + 0.24158629956270661;
    q = q * u + 0.37304371591938679;
    q = q * u + 0.38713740074221936;
    q = q * u + 0.30394832098594587;
    q = q * u + 0.18882128260393788;
#endif
    const real tail = bell * (q * t);
    return z > 0 ? 1 - tail : tail;
}

/* max(z, 0), of which NaN is NaN. */
INLINE real NAME(positive_part)(real z)
{
    return 0 > z ? 0 : z;
}
