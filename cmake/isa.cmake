# Files compiled for one instruction set. They are called only after sys/cpu.h has found it.
#   sluice_isa(SOURCES_VARIABLE PROCESSOR PATH FLAG ...)
# sets the flags of a source, or takes it out of the list when the target is another processor.
function(sluice_isa variable processor path)
    if(CMAKE_SYSTEM_PROCESSOR MATCHES "^(${processor})$")
        # The loops of a kernel are worth unrolling; -O0 of a debug build is left alone.
        set_source_files_properties(${path} PROPERTIES
            COMPILE_OPTIONS "${ARGN};$<$<NOT:$<CONFIG:Debug>>:-O3>")
    else()
        list(REMOVE_ITEM ${variable} ${path})
        set(${variable} ${${variable}} PARENT_SCOPE)
    endif()
endfunction()

set(SLUICE_AVX2 -mavx2 -mfma -mf16c)
set(SLUICE_AVX512 ${SLUICE_AVX2} -mavx512f -mavx512bw -mavx512dq -mavx512vl)

# The instruction sets of src/ml/kernel: one line a file.
macro(sluice_kernel_isa variable)
    sluice_isa(${variable} "x86_64|AMD64" ${CMAKE_SOURCE_DIR}/src/ml/kernel/avx2.c ${SLUICE_AVX2})
    sluice_isa(${variable} "x86_64|AMD64" ${CMAKE_SOURCE_DIR}/src/ml/kernel/avxvnni.c ${SLUICE_AVX2})
    sluice_isa(${variable} "x86_64|AMD64" ${CMAKE_SOURCE_DIR}/src/ml/kernel/avx512.c ${SLUICE_AVX512} -mavx512vnni -mprfchw)
    sluice_isa(${variable} "x86_64|AMD64" ${CMAKE_SOURCE_DIR}/src/ml/kernel/avx512_bf16.c ${SLUICE_AVX512} -mavx512bf16)
    sluice_isa(${variable} "x86_64|AMD64" ${CMAKE_SOURCE_DIR}/src/ml/kernel/amx.c ${SLUICE_AVX512} -mamx-tile -mamx-int8 -mamx-bf16)
    sluice_isa(${variable} "aarch64|arm64" ${CMAKE_SOURCE_DIR}/src/ml/kernel/neon.c -march=armv8.2-a+dotprod)
endmacro()

# Tests that run the code of an instruction set that the machine lacks: as another encoding, or over
# a software model of the missing instructions.
macro(sluice_kernel_test_isa variable folder)
    sluice_isa(${variable} "x86_64|AMD64" ${folder}/test_avxvnni_evex.c ${SLUICE_AVX2})
    sluice_isa(${variable} "x86_64|AMD64" ${folder}/test_bf16_model.c ${SLUICE_AVX512})
    sluice_isa(${variable} "x86_64|AMD64" ${folder}/test_amx_model.c ${SLUICE_AVX512})
endmacro()
