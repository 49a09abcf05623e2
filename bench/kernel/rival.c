/* oneDNN's int8 inner product through its C interface (version 2.6). */
#include "parts.h"

#include <dnnl.h>
#include <stdlib.h>
#include <string.h>

static dnnl_engine_t engine;
static dnnl_stream_t stream;
static dnnl_primitive_t primitive;
static dnnl_exec_arg_t args[8];
static int arg_count;
static void *buffers[8];

#define TRY(call)                                                                                  \
    if ((call) != dnnl_success)                                                                    \
    return false

static bool add(int name, const dnnl_memory_desc_t *desc)
{
    size_t bytes = dnnl_memory_desc_get_size(desc);
    void *at = aligned_alloc(64, (bytes + 127) / 64 * 64);
    memset(at, 1, bytes);
    buffers[arg_count] = at;
    args[arg_count].arg = name;
    TRY(dnnl_memory_create(&args[arg_count].memory, desc, engine, at));
    arg_count++;
    return true;
}

bool rival_prepare(uint32_t m, uint32_t n, uint32_t k)
{
    dnnl_dims_t src_dims = {m, k}, weight_dims = {n, k}, out_dims = {m, n}, bias_dims = {n};
    dnnl_memory_desc_t src, weights, bias, out;
    dnnl_inner_product_desc_t desc;
    dnnl_primitive_attr_t attr;
    dnnl_primitive_desc_t chosen;
    if (!engine) {
        TRY(dnnl_engine_create(&engine, dnnl_cpu, 0));
        TRY(dnnl_stream_create(&stream, engine, dnnl_stream_default_flags));
    }
    TRY(dnnl_memory_desc_init_by_tag(&src, 2, src_dims, dnnl_u8, dnnl_ab));
    TRY(dnnl_memory_desc_init_by_tag(&weights, 2, weight_dims, dnnl_s8, dnnl_format_tag_any));
    TRY(dnnl_memory_desc_init_by_tag(&bias, 1, bias_dims, dnnl_f32, dnnl_a));
    TRY(dnnl_memory_desc_init_by_tag(&out, 2, out_dims, dnnl_f32, dnnl_ab));
    TRY(dnnl_inner_product_forward_desc_init(&desc, dnnl_forward_inference, &src, &weights, &bias,
                                             &out));
    float *scales = malloc(n * sizeof *scales);
    for (uint32_t i = 0; i < n; i++)
        scales[i] = 0.5F + (float)i;
    TRY(dnnl_primitive_attr_create(&attr));
    TRY(dnnl_primitive_attr_set_output_scales(attr, n, 1 << 1, scales));
    free(scales);
    TRY(dnnl_primitive_desc_create(&chosen, &desc, attr, engine, NULL));
    TRY(dnnl_primitive_create(&primitive, chosen));
    arg_count = 0;
    bool ok =
        add(DNNL_ARG_SRC, &src) &&
        add(DNNL_ARG_WEIGHTS, dnnl_primitive_desc_query_md(chosen, dnnl_query_weights_md, 0)) &&
        add(DNNL_ARG_BIAS, &bias) && add(DNNL_ARG_DST, &out);
    dnnl_primitive_desc_destroy(chosen);
    dnnl_primitive_attr_destroy(attr);
    return ok;
}

void rival_run(void)
{
    dnnl_primitive_execute(primitive, stream, arg_count, args);
    dnnl_stream_wait(stream);
}

void rival_release(void)
{
    for (int i = 0; i < arg_count; i++) {
        dnnl_memory_destroy(args[i].memory);
        free(buffers[i]);
    }
    dnnl_primitive_destroy(primitive);
    arg_count = 0;
}
