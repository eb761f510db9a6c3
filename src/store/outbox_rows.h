/* outbox_rows: rows of the outbox's tables as structs. Private to src/store. */
#ifndef RELANCE_STORE_OUTBOX_ROWS_H
#define RELANCE_STORE_OUTBOX_ROWS_H

#include "store/outbox.h"

/* The columns of the query message_due; without content those of message_queue. Strings as the query gives them. */
void message_of_row(struct query *q, bool content, struct outbox_message *m);
/* Copies the strings into the arena. */
void message_keep(struct outbox_message *m, struct arena *a);

#endif
