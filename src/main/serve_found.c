/* Discovery for a router without a file: the policy text goes through the ordinary loader. */
#include "main/serve_found.h"

#include "discover/discover.h"
#include "main/logging.h"
#include "route/policy.h"

#include <stdio.h>

#define DEFAULT_PORT 8801

/* "127.0.0.1:8801" for people: any address is the loopback one here, IPv6 has brackets. */
static void print_address(sl_str address, uint16_t port)
{
    bool is_any = !address.n || sl_str_eq(address, SL_STR("0.0.0.0")) ||
                  sl_str_eq(address, SL_STR("::")) || sl_str_eq(address, SL_STR("*"));
    bool is_ipv6 = !is_any && sl_str_chr(address, ':') < address.n;
    if (is_any)
        address = SL_STR("127.0.0.1");
    printf("http://%s%.*s%s:%u", is_ipv6 ? "[" : "", SL_FMT(address), is_ipv6 ? "]" : "", port);
}

static void print_ready(const struct sl_serve_addresses *at)
{
    if (at->management_port) {
        printf("health, metrics and evaluation are on ");
        print_address(at->management, at->management_port);
        printf("; `sluice top ");
        print_address(at->management, at->management_port);
        printf("` watches\n");
    }
    printf("try it; the x-vsr-* headers of the answer say what was decided\n  curl -i ");
    print_address(at->data, at->data_port);
    printf("/v1/chat/completions -H 'content-type: application/json' -d "
           "'{\"model\": \"auto\", \"messages\": "
           "[{\"role\": \"user\", \"content\": \"Hello!\"}]}'\n");
    fflush(stdout);
}

static struct sl_config *load(sl_str text, const struct sl_load_options *options)
{
    struct sl_arena arena;
    struct sl_diags diags;
    struct sl_config *config = NULL;
    struct sl_load_options named = *options;
    named.name = SL_STR("the discovered policy");
    sl_arena_init(&arena, NULL, 16 << 20);
    sl_diags_init(&diags, &arena, 100);
    enum sl_rc rc = sl_config_load_text(&config, text, &named, &diags);
    if (rc == SL_OK)
        rc = sl_policy_compile(config, &diags);
    sl_logging_diags(&diags, named.name);
    if (config && (rc != SL_OK || diags.n_errors)) {
        sl_config_unref(config);
        config = NULL;
    }
    sl_arena_reset(&arena);
    return config;
}

struct sl_config *sl_serve_found(struct sl_serve_options *options)
{
    struct sl_discover_options what = {.own_ports = {options->listen_port, 0}};
    struct sl_policy_options policy = {
        .address = options->has_listen ? options->listen_address : SL_STR("127.0.0.1"),
        .port = options->has_listen ? options->listen_port : DEFAULT_PORT,
    };
    struct sl_pool *pool = NULL;
    struct sl_config *config = NULL;
    struct sl_err err;
    struct sl_buf text, report;
    sl_buf_init(&text, 4 << 20);
    sl_buf_init(&report, 1 << 20);
    enum sl_rc rc = sl_discover(&pool, &what, &err);
    if (rc == SL_NOTFOUND) {
        sl_pool_advise(&report);
        fwrite(report.p, 1, report.n, stderr);
    } else if (rc != SL_OK) {
        sl_logging_fatal("serve", "%s", err.message);
    } else {
        sl_pool_describe(&report, pool);
        printf("No configuration was given; this is what was found here.\n%.*s"
               "`sluice init -o sluice.yaml` writes this policy to a file.\n",
               SL_FMT(sl_buf_str(&report)));
        fflush(stdout);
        sl_pool_policy(&text, pool, &policy);
        config = load(sl_buf_str(&text), &options->load);
        options->on_ready = print_ready;
    }
    sl_pool_free(pool);
    sl_buf_free(&text);
    sl_buf_free(&report);
    return config;
}
