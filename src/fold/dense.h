/* dense: the two operations on dense float matrices that the item models need, row-major, any size.
 *
 * The inverse is a blocked sweep (Gauss–Jordan on a symmetric positive definite matrix, no pivoting: the callers add a
 * ridge). Both work through one register-blocked kernel compiled for several processors. Each sum has a fixed order, so
 * the result does not depend on the number of threads. */
#ifndef RELANCE_FOLD_DENSE_H
#define RELANCE_FOLD_DENSE_H

#include <stddef.h>

/* a (n × n, symmetric, positive definite; the lower triangle is read) becomes its inverse, both triangles filled. */
void dense_invert(float *a, size_t n, int threads);

/* out (m × n) = a (m × k) · b (k × n). */
void dense_product(const float *a, const float *b, float *out, size_t m, size_t k, size_t n, int threads);

#endif
