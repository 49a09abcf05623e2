# Sources written by tools/ from data: one sluice_generate() a file.
#   sluice_generate(OUTPUT unicode_tables.c TOOL unicode_tables.py [DEPENDS ...] [ARGS ...])
# The tool is called with the output path first; it uses the Python standard library only.
function(sluice_generate)
    cmake_parse_arguments(G "" "OUTPUT;TOOL" "DEPENDS;ARGS" ${ARGN})
    set(out ${CMAKE_BINARY_DIR}/gen/${G_OUTPUT})
    add_custom_command(
        OUTPUT ${out}
        COMMAND ${Python3_EXECUTABLE} ${CMAKE_SOURCE_DIR}/tools/${G_TOOL} ${out} ${G_ARGS}
        DEPENDS ${CMAKE_SOURCE_DIR}/tools/${G_TOOL} ${G_DEPENDS}
        COMMENT "Generating ${G_OUTPUT}")
    target_sources(sluice_core PRIVATE ${out})
endfunction()

file(GLOB generated_parts CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/cmake/generated/*.cmake)
foreach(part ${generated_parts})
    include(${part})
endforeach()
