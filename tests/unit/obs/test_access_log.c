/* The access log: exact lines, hostile names, readers that do not read. */
#include "unit.h"

#include "obs/access_log.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const struct sl_access_line full = {
    .request_id = SL_STR_INIT("r-1"),
    .peer = SL_STR_INIT("127.0.0.1"),
    .method = SL_STR_INIT("POST"),
    .path = SL_STR_INIT("/v1/chat\" decision=admin\n"),
    .status = 200,
    .recipe = SL_STR_INIT("default"),
    .decision = SL_STR_INIT("code"),
    .algorithm = SL_STR_INIT("static"),
    .model = SL_STR_INIT("m"),
    .backend = SL_STR_INIT("b"),
    .confidence = 0.75,
    .bytes_in = 10,
    .bytes_out = 20,
    .route_ns = 12300,
    .first_byte_ns = 2500000,
    .total_ns = 3000000,
    .prompt_tok = 5,
    .completion_tok = 7,
    .end = "complete",
};

static char *written(int fd)
{
    static char text[1 << 20];
    ssize_t n = pread(fd, text, sizeof(text) - 1, 0);
    assert_true(n >= 0);
    text[n] = '\0';
    return text;
}

static int temporary(void)
{
    char path[] = "/tmp/sluice-access-XXXXXX";
    int fd = mkostemp(path, O_APPEND);
    assert_true(fd >= 0);
    unlink(path);
    return fd;
}

static char *one(bool is_json, const struct sl_access_line *line)
{
    struct sl_loop *loop;
    int fd = temporary();
    assert_int_equal(sl_loop_create(&loop), SL_OK);
    struct sl_access_log *log = sl_access_log_new(loop, fd, is_json);
    sl_access_log_write(log, line);
    sl_access_log_free(log);
    sl_loop_destroy(loop);
    char *text = written(fd);
    close(fd);
    return text;
}

static void json_line(void **state)
{
    (void)state;
    char *text = one(true, &full);
    assert_int_equal(strncmp(text, "{\"ts\":\"20", 9), 0);
    assert_string_equal(
        strchr(text, ','),
        ",\"request_id\":\"r-1\",\"peer\":\"127.0.0.1\",\"method\":\"POST\","
        "\"path\":\"/v1/chat\\\" decision=admin\\n\",\"status\":200,\"recipe\":\"default\","
        "\"decision\":\"code\",\"confidence\":0.75,\"algorithm\":\"static\",\"model\":\"m\","
        "\"backend\":\"b\",\"bytes_in\":10,\"bytes_out\":20,\"route_us\":12.3,"
        "\"first_byte_ms\":2.500,\"total_ms\":3.000,\"prompt_tokens\":5,"
        "\"completion_tokens\":7,\"end\":\"complete\"}\n");
    struct sl_access_line bare = {.status = 400, .prompt_tok = -1, .completion_tok = -1};
    assert_string_equal(strchr(one(true, &bare), ','),
                        ",\"status\":400,\"bytes_in\":0,\"bytes_out\":0}\n");
}

static void text_line(void **state)
{
    (void)state;
    assert_string_equal(strchr(one(false, &full), ' '),
                        " 127.0.0.1 POST /v1/chat\\x22\\x20decision=admin\\x0a 200 recipe=default "
                        "decision=code model=m backend=b route=12.3us first=2.500ms total=3.000ms "
                        "in=10 out=20 tokens=5+7 end=complete id=r-1\n");
}

static void a_reader_that_stops_loses_lines_and_hears_how_many(void **state)
{
    (void)state;
    struct sl_loop *loop;
    int ends[2];
    assert_int_equal(pipe(ends), 0);
    assert_int_equal(sl_loop_create(&loop), SL_OK);
    struct sl_access_log *log = sl_access_log_new(loop, ends[1], true);
    for (int i = 0; i < 5000; i++) /* about 2 MB into 64 KiB of pipe and 256 KiB of buffer */
        sl_access_log_write(log, &full);
    static char sink[1 << 20];
    bool was_told = false;
    assert_int_equal(fcntl(ends[0], F_SETFL, O_NONBLOCK), 0);
    for (int i = 0; i < 1000 && !was_told; i++) {
        ssize_t n = read(ends[0], sink, sizeof(sink));
        was_told = n > 0 && memmem(sink, (size_t)n, "\"lines_lost\":", 13);
        sl_access_log_write(log, &full);
    }
    assert_true(was_told);
    sl_access_log_free(log);
    close(ends[0]);
    close(ends[1]);
    sl_loop_destroy(loop);
}

static void no_descriptor_no_log(void **state)
{
    (void)state;
    struct sl_loop *loop;
    assert_int_equal(sl_loop_create(&loop), SL_OK);
    struct sl_access_log *log = sl_access_log_new(loop, -1, true);
    sl_access_log_write(log, &full);
    sl_access_log_free(log);
    sl_loop_destroy(loop);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(json_line),
        cmocka_unit_test(text_line),
        cmocka_unit_test(a_reader_that_stops_loses_lines_and_hears_how_many),
        cmocka_unit_test(no_descriptor_no_log),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
