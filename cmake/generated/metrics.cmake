set(metrics_spec ${CMAKE_SOURCE_DIR}/spec/metrics.tsv)
file(MAKE_DIRECTORY ${CMAKE_BINARY_DIR}/gen/obs)
sluice_generate(OUTPUT obs/metric_ids.h TOOL metric_ids.py DEPENDS ${metrics_spec} ARGS ${metrics_spec})
sluice_generate(OUTPUT obs/metric_table.c TOOL metric_ids.py DEPENDS ${metrics_spec} ARGS ${metrics_spec})
