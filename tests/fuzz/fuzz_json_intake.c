/* Any bytes as JSON: the same harness as fuzz_csv, on inputs that begin like JSON. */
#include "fuzz_csv.c"
