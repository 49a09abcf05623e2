# Flags every target of ours shares. Both compilers must be clean: a warning is an error.
add_library(sluice_warnings INTERFACE)
target_compile_options(sluice_warnings INTERFACE
    -Wall -Wextra -Wshadow -Wvla -Wformat=2 -Wmissing-prototypes -Wstrict-prototypes
    -Wpointer-arith -Wundef -Wconversion -Wno-sign-conversion -Werror
    -fno-omit-frame-pointer -fno-strict-aliasing -fno-common)
target_compile_options(sluice_warnings INTERFACE
    $<$<CONFIG:Release>:-O2 -g1 -D_FORTIFY_SOURCE=2 -fstack-protector-strong>)
target_link_options(sluice_warnings INTERFACE -Wl,--gc-sections -Wl,-z,relro,-z,now)

if(SLUICE_SANITIZE STREQUAL "address")
    target_compile_options(sluice_warnings INTERFACE
        -fsanitize=address,undefined -fno-sanitize-recover=all)
    target_link_options(sluice_warnings INTERFACE -fsanitize=address,undefined)
elseif(SLUICE_SANITIZE STREQUAL "thread")
    target_compile_options(sluice_warnings INTERFACE -fsanitize=thread)
    target_link_options(sluice_warnings INTERFACE -fsanitize=thread)
endif()

if(SLUICE_FUZZ)
    # Coverage of the library itself, not only of the target's file, steers the search.
    target_compile_options(sluice_warnings INTERFACE -fsanitize=fuzzer-no-link)
endif()
