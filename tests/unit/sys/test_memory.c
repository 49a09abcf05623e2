/* Trimming lowers what is resident and changes nothing that libraries compute. */
#include "crypto/sha256.h"
#include "sys/memory.h"
#include "unit.h"

#include <stdio.h>
#include <string.h>

static long resident_file_kib(void)
{
    char line[256];
    long kib = -1;
    FILE *f = fopen("/proc/self/status", "r");
    assert_non_null(f);
    while (fgets(line, sizeof(line), f))
        if (sscanf(line, "RssFile: %ld kB", &kib) == 1)
            break;
    fclose(f);
    return kib;
}

static void hashes_abc(void)
{
    char hex[65];
    assert_int_equal(sl_sha256_hex(SL_STR("abc"), hex), SL_OK);
    assert_string_equal(hex, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
}

static void trims(void **state)
{
    (void)state;
    hashes_abc();
    long before = resident_file_kib();
    sl_memory_trim();
    long after = resident_file_kib();
    assert_true(after > 0 && after < before);
    hashes_abc();
    char text[64];
    snprintf(text, sizeof(text), "%.3f %s", 0.125, strerror(0));
    assert_string_equal(text, "0.125 Success");
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(trims)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
