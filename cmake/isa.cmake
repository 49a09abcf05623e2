# Files compiled for one instruction set. They are called only after sys/cpu.h has found it.
#   sluice_isa(SOURCES_VARIABLE PROCESSOR FILE FLAG ...)
# sets the flags of a source, or takes it out of the list when the target is another processor.
function(sluice_isa variable processor file)
    set(path ${CMAKE_SOURCE_DIR}/src/${file})
    if(CMAKE_SYSTEM_PROCESSOR MATCHES "^(${processor})$")
        # The loops of a kernel are worth unrolling; -O0 of a debug build is left alone.
        set_source_files_properties(${path} PROPERTIES
            COMPILE_OPTIONS "${ARGN};$<$<NOT:$<CONFIG:Debug>>:-O3>")
    else()
        list(REMOVE_ITEM ${variable} ${path})
        set(${variable} ${${variable}} PARENT_SCOPE)
    endif()
endfunction()

set(SLUICE_AVX512 -mavx512f -mavx512bw -mavx512dq -mavx512vl -mfma -mf16c)

# The instruction sets of src/ml/kernel: one line a file.
macro(sluice_kernel_isa variable)
    sluice_isa(${variable} "x86_64|AMD64" ml/kernel/avx512.c ${SLUICE_AVX512} -mavx512vnni)
endmacro()
