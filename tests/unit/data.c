#include "data.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

void source_path(const char *name, char *out, size_t size)
{
	snprintf(out, size, "%s/%s", SOURCE_ROOT, name);
}

bool data_path(const char *name, char *out, size_t size)
{
	const char *root = getenv("RELANCE_DATA");
	if (root)
		snprintf(out, size, "%s/%s", root, name);
	else
		snprintf(out, size, "%s/../shared/data/%s", SOURCE_ROOT, name);
	if (access(out, R_OK) == 0)
		return true;
	/* a git worktree lies one folder deeper */
	snprintf(out, size, "%s/../../shared/data/%s", SOURCE_ROOT, name);
	if (!root && access(out, R_OK) == 0)
		return true;
	printf("skipped: %s is not in the data folder (set RELANCE_DATA)\n", name);
	return false;
}

bool data_unpack(const char *name, char *folder, size_t size)
{
	char archive[512], command[1200];
	if (!data_path(name, archive, sizeof archive))
		return false;
	snprintf(folder, size, "%s", "/tmp/relance-data-XXXXXX");
	if (!mkdtemp(folder))
		return false;
	snprintf(command, sizeof command, "tar -xf '%s' -C '%s'", archive, folder);
	return system(command) == 0;
}

void data_remove(const char *folder)
{
	char command[600];
	snprintf(command, sizeof command, "rm -rf '%s'", folder);
	if (strncmp(folder, "/tmp/relance-data-", 18) == 0 && system(command) != 0)
		printf("cannot remove %s\n", folder);
}
