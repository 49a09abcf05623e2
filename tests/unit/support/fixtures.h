/*
 * The specification's fixtures (recorded exchanges, recipes, configurations): a folder beside the
 * checkout, or where the environment variable SLUICE_FIXTURES says. Not part of the product; tests
 * that need them are skipped where they are not.
 */
#ifndef SL_TESTS_FIXTURES_H
#define SL_TESTS_FIXTURES_H

/* Path of "compat/goldens/wire.yaml" or the like. Stays valid; at most 64 different ones a test. */
const char *fixture(const char *name);

/* Says SKIP and ends the running test when there is no such fixture. */
void skip_without_fixture(const char *name);

#endif
