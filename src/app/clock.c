#include "app/clock.h"

#include <sodium.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

struct instant clock_now(void)
{
	struct timespec t;
	clock_gettime(CLOCK_REALTIME, &t);
	return (struct instant){ t.tv_sec };
}

double clock_monotonic(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

double clock_running(void)
{
	struct timespec t;
	clock_gettime(CLOCK_BOOTTIME, &t);
	return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

int64_t clock_gained(struct clock_watch *w, struct instant wall, double running)
{
	struct clock_watch last = *w;
	*w = (struct clock_watch){ wall, running };
	return last.wall.s == 0 ? 0 : (wall.s - last.wall.s) - (int64_t)(running - last.running);
}

bool clock_at(const char *text, zone_id zone, struct instant *out, struct err *err)
{
	if (!text) {
		*out = clock_now();
		return true;
	}
	if (instant_parse(str_from(text), zone, out))
		return true;
	return err_set(err, ERR_INPUT, "\"%s\" is not an instant such as 2026-05-12 or 2026-05-12T10:00", text);
}

char *clock_owner(char out[96])
{
	char host[48] = "";
	if (gethostname(host, sizeof host - 1) != 0)
		snprintf(host, sizeof host, "host");
	snprintf(out, 96, "%s:%d:%08x", host, (int)getpid(), randombytes_random());
	return out;
}
