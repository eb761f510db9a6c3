/* turn: who of one process may write to an SQLite file, in the order of asking. SQLite lets one handle write and makes
 * the others look again and again: a thread that commits without pause would keep them out for seconds. Other
 * processes are SQLite's own business. Private to src/store; any thread. */
#ifndef RELANCE_STORE_TURN_H
#define RELANCE_STORE_TURN_H

#include <stdbool.h>
#include <sys/stat.h>

struct turn;

struct turn *turn_open(const struct stat *file); /* the one of this file; ends with turn_close */
void turn_close(struct turn *t);
bool turn_take(struct turn *t, int ms); /* false: not within ms; then it is not to be given back */
void turn_give(struct turn *t);

#endif
