/* basket_file: baskets from a file, mapped; what they are and how they are written: fold/itemset.h. */
#ifndef RELANCE_APP_BASKET_FILE_H
#define RELANCE_APP_BASKET_FILE_H

#include "fold/itemset.h"

/* NULL: not a plain file, not readable, or not baskets; the error names the file, and the line. */
struct itemset_baskets *basket_file_read(const char *path, int threads, struct err *err) MUST_CHECK;

#endif
