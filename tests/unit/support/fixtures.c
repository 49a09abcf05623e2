#include "support/fixtures.h"

#include "unit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define MAX_PATHS 64

static const char *folder(void)
{
    const char *given = getenv("SLUICE_FIXTURES");
    return given && *given ? given : SLUICE_SOURCE_DIR "/../shared";
}

const char *fixture(const char *name)
{
    static char paths[MAX_PATHS][512];
    char path[512];
    size_t i = 0;
    int n = snprintf(path, sizeof(path), "%s/%s", folder(), name);
    assert_true(n > 0 && (size_t)n < sizeof(path));
    while (i < MAX_PATHS && paths[i][0] && strcmp(paths[i], path) != 0)
        i++;
    assert_true(i < MAX_PATHS);
    memcpy(paths[i], path, (size_t)n + 1);
    return paths[i];
}

void skip_without_fixture(const char *name)
{
    if (access(fixture(name), R_OK) == 0)
        return;
    print_message("SKIP: the specification's fixtures lack %s (SLUICE_FIXTURES=%s)\n", name,
                  folder());
    skip();
}
