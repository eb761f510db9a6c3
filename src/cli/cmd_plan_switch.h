/* The verbs of `relance plan` that touch a shop: on, off, drain, move, list. They return the exit status. */
#ifndef RELANCE_CLI_CMD_PLAN_SWITCH_H
#define RELANCE_CLI_CMD_PLAN_SWITCH_H

#include "cli/cli.h"

/* verb: on, off, drain, approve; by: who does it, NULL: the system's user. */
int plan_switch(const char *verb, const char *address, const char *const *names, int count, const char *at,
                const char *by, enum format format);
/* Runs in progress to the newest version; without `yes` only a preview. */
int plan_move(const char *address, const char *name, bool yes, const char *at, enum format format);
int plan_list(const char *address, enum format format);

#endif
