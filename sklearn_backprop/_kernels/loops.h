/* The loops of the five equations, for float and for double: all but BLAS's products.

   Each function is one loop that the compiler turns into vector code, and on x86-64 with GCC
   and glibc several times over: the processor's own version is chosen when the library is
   loaded. A sum of products is never contracted to a fused multiply-add (-ffp-contract=off),
   so every version, and every place in an array, gives the same bits. */

#ifndef SKLEARN_BACKPROP_LOOPS
#define SKLEARN_BACKPROP_LOOPS

#include <math.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#if defined(__GNUC__) && !defined(__clang__) && defined(__x86_64__) && defined(__GLIBC__) \
    && !defined(ONE_VERSION)
#define VECTORIZED __attribute__((target_clones("avx512f", "avx2", "default")))
#else
#define VECTORIZED
#endif

/* Each element is read before it is written and nothing else depends on it, so an array may
   be worked on in place. */
#if defined(__clang__)
#define ELEMENTS _Pragma("clang loop vectorize(assume_safety)")
#elif defined(__GNUC__)
#define ELEMENTS _Pragma("GCC ivdep")
#elif defined(_MSC_VER)
#define ELEMENTS __pragma(loop(ivdep))
#else
#define ELEMENTS
#endif

/* Sums that may be taken in parts, a part for each place in a vector. */
#if defined(__GNUC__)
#define PRAGMA(words) _Pragma(#words)
#define SUMS(a, b, c, d) PRAGMA(omp simd reduction(+ : a, b, c, d))
#else
#define SUMS(a, b, c, d)
#endif

#define NARROW_ROOM 4096

#if defined(_MSC_VER)
#define INLINE static __forceinline
#else
#define INLINE static inline __attribute__((always_inline))
#endif

/* An activation: its formula, and what its slope does to a delta. For rows of so many units;
   all but softmax go element by element. `parameter` is the activation's own, if it has one.
   The types are those of the layer: float or double. */
typedef void (*forward_function)(
    const void *Z, void *A, size_t n_samples, size_t n_units, double parameter);
typedef void (*backward_function)(
    const void *Z, const void *A, void *delta, size_t n_samples, size_t n_units,
    double parameter);

typedef struct {
    const char *name;      /* what the registry calls it */
    const char *parameter; /* name of the attribute that its formula depends on, or "" */
    forward_function forward[2]; /* of float, of double */
    backward_function backward[2];
} activation;

#define real float
#define bits int32_t
#define NAME(name) name##_float
#define POINT 0
#include "both.h"

#define real double
#define bits int64_t
#define NAME(name) name##_double
#define POINT 1
#include "both.h"

#define ACTIVATION(name, parameter)                  \
    {                                                \
        #name, parameter,                            \
        {name##_float, name##_double},               \
        {name##_slope_float, name##_slope_double}    \
    }

/* To add one: write its two loops in activations_real.h, and a line here. */
static const activation ACTIVATIONS[] = {
    ACTIVATION(identity, ""),
    ACTIVATION(logistic, ""),
    ACTIVATION(tanh, ""),
    ACTIVATION(relu, ""),
    ACTIVATION(leaky_relu, "negative_slope"),
    ACTIVATION(elu, "alpha"),
    ACTIVATION(selu, ""),
    ACTIVATION(gelu, ""),
    ACTIVATION(silu, ""),
    ACTIVATION(softplus, ""),
    ACTIVATION(mish, ""),
    ACTIVATION(exp, ""),
    ACTIVATION(softmax, ""),
};
#define N_ACTIVATIONS (sizeof(ACTIVATIONS) / sizeof(ACTIVATIONS[0]))

/* An optimizer's step on n parameters, its slots, and up to four constants. */
typedef void (*step_function)(
    void *parameters, const void *gradient, void *first, void *second, size_t n,
    const double *constants);

/* The other functions, for float and for double. */
#define EITHER(name) {name##_float, name##_double}
static const step_function SGD[2] = EITHER(sgd);
static const step_function ADAM[2] = EITHER(adam);
static void (*const ADD_BIAS[2])(void *, const void *, size_t, size_t) = EITHER(add_bias);
static void (*const CANONICAL_DELTA[2])(
    const void *, const void *, size_t, const void *, size_t, void *, size_t, size_t
) = EITHER(canonical_delta);
static void (*const NARROW_FORWARD[2])(
    const void *, ptrdiff_t, const void *, void *, ptrdiff_t, ptrdiff_t, ptrdiff_t
) = EITHER(narrow_forward);
static void (*const NARROW_GRADIENT[2])(
    const void *, ptrdiff_t, const void *, void *, ptrdiff_t, ptrdiff_t, ptrdiff_t
) = EITHER(narrow_gradient);
static void (*const NARROW_BACK[2])(
    const void *, const void *, void *, ptrdiff_t, ptrdiff_t
) = EITHER(narrow_back);
static void (*const TIMES_SHARE[2])(const void *, size_t, void *, size_t, size_t) =
    EITHER(times_share);
static void (*const SUM_OF_ROWS[2])(const void *, void *, size_t, size_t) = EITHER(sum_of_rows);
static void (*const ADD_SCALED[2])(void *, const void *, double, size_t) = EITHER(add_scaled);
static void (*const SCALE[2])(void *, double, size_t) = EITHER(scale);

#endif
