/* All loops for one type of numbers, which loops.h has set; without a guard, for there are two. */

#include "exponentials_real.h"
#include "activations_real.h"
#include "narrow_real.h"
#include "updates_real.h"

#undef real
#undef bits
#undef NAME
#undef POINT
#undef C
#undef ROOT
#undef ROUNDING
#undef SPLIT
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
