/* Model folders on disk: one file, shards, and what is said when something is missing. */
#include "unit.h"

#include "ml/weights/checkpoint.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

static char folder[64];

static void put(const char *name, const void *bytes, size_t n)
{
    char path[256];
    snprintf(path, sizeof(path), "%s/%s", folder, name);
    FILE *f = fopen(path, "wb");
    assert_non_null(f);
    assert_int_equal(fwrite(bytes, 1, n, f), n);
    fclose(f);
}

static void put_tensor(const char *file, const char *tensor, float value)
{
    char bytes[512];
    int n = snprintf(bytes + 8, sizeof(bytes) - 8,
                     "{\"%s\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4]}}", tensor);
    for (int i = 0; i < 8; i++)
        bytes[i] = (char)((unsigned)n >> (i < 4 ? 8 * i : 31) & 0xff);
    memcpy(bytes + 8 + n, &value, 4);
    put(file, bytes, 8 + (size_t)n + 4);
}

static int setup(void **state)
{
    (void)state;
    snprintf(folder, sizeof(folder), "/tmp/sluice-checkpoint-XXXXXX");
    return mkdtemp(folder) ? 0 : -1;
}

static int teardown(void **state)
{
    (void)state;
    static const char *const names[] = {"model.safetensors", "a.safetensors", "b.safetensors",
                                        "model.safetensors.index.json", "pytorch_model.bin"};
    char path[256];
    for (size_t i = 0; i < SL_COUNT(names); i++) {
        snprintf(path, sizeof(path), "%s/%s", folder, names[i]);
        unlink(path);
    }
    return rmdir(folder);
}

static void one_file(void **state)
{
    (void)state;
    put_tensor("model.safetensors", "w", 3);
    struct sl_checkpoint *c;
    struct sl_err err = {0};
    assert_int_equal(sl_checkpoint_open(&c, folder, "model", &err), SL_OK);
    float v;
    sl_tensor_read(sl_checkpoint_find(c, SL_STR("w")), 0, 1, &v);
    assert_true(v == 3);
    assert_non_null(sl_checkpoint_at(c, 0));
    assert_null(sl_checkpoint_at(c, 1));
    struct sl_buf identity;
    sl_buf_init(&identity, 1 << 20);
    sl_checkpoint_identify(c, &identity);
    assert_true(identity.n > 20);
    sl_buf_free(&identity);
    sl_checkpoint_close(c);
}

static void shards(void **state)
{
    (void)state;
    put_tensor("a.safetensors", "x", 1);
    put_tensor("b.safetensors", "y", 2);
    static const char index[] =
        "{\"weight_map\":{\"x\":\"a.safetensors\",\"y\":\"b.safetensors\"}}";
    put("model.safetensors.index.json", index, sizeof(index) - 1);
    struct sl_checkpoint *c;
    struct sl_err err = {0};
    assert_int_equal(sl_checkpoint_open(&c, folder, "model", &err), SL_OK);
    assert_non_null(sl_checkpoint_find(c, SL_STR("x")));
    assert_non_null(sl_checkpoint_find(c, SL_STR("y")));
    assert_null(sl_checkpoint_find(c, SL_STR("z")));
    sl_checkpoint_close(c);
}

static void bad_indices(void **state)
{
    (void)state;
    static const struct {
        const char *index, *says;
    } cases[] = {
        {"{\"weight_map\":{\"x\":\"../etc/passwd\"}}", "not the name of a file"},
        {"{\"weight_map\":{\"x\":\"c.safetensors\"}}", "is not in"},
        {"{\"weight_map\":{\"z\":\"a.safetensors\"}}", "none of the shards"},
        {"{\"weight_map\":{}}", "weight_map"},
        {"{\"weight_map\":{\"x\":1}}", "pairs"},
        {"{", "index"},
    };
    put_tensor("a.safetensors", "x", 1);
    for (size_t i = 0; i < SL_COUNT(cases); i++) {
        put("model.safetensors.index.json", cases[i].index, strlen(cases[i].index));
        struct sl_checkpoint *c;
        struct sl_err err = {0};
        assert_int_equal(sl_checkpoint_open(&c, folder, "model", &err), SL_INVALID);
        if (!strstr(err.message, cases[i].says))
            fail_msg("%s: %s", cases[i].index, err.message);
        assert_null(c);
    }
}

static void nothing_there(void **state)
{
    (void)state;
    struct sl_checkpoint *c;
    struct sl_err err = {0};
    assert_int_equal(sl_checkpoint_open(&c, folder, "model", &err), SL_NOTFOUND);
    assert_non_null(strstr(err.message, "model.safetensors"));
    put("pytorch_model.bin", "x", 1);
    assert_int_equal(sl_checkpoint_open(&c, folder, "model", &err), SL_NOTFOUND);
    assert_non_null(strstr(err.message, "pickle"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(one_file, setup, teardown),
        cmocka_unit_test_setup_teardown(shards, setup, teardown),
        cmocka_unit_test_setup_teardown(bad_indices, setup, teardown),
        cmocka_unit_test_setup_teardown(nothing_there, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
