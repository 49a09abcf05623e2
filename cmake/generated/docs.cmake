# The reference pages and the JSON Schema, written by the program from its own records:
#   ninja -C build docs     -> build/docs/reference/*.md, build/docs/sluice.schema.json
add_custom_target(docs
    COMMAND ${CMAKE_COMMAND} -E make_directory ${CMAKE_BINARY_DIR}/docs
    COMMAND $<TARGET_FILE:sluice> describe --markdown ${CMAKE_BINARY_DIR}/docs/reference
    COMMAND $<TARGET_FILE:sluice> describe --json-schema > ${CMAKE_BINARY_DIR}/docs/sluice.schema.json
    DEPENDS sluice
    COMMENT "Writing build/docs")
