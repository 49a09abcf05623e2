# Registries: a folder of one-file features becomes an explicit array. A file NAME.c in the folder
# must define `const struct TYPE PREFIX_NAME`; nothing else names it anywhere.

function(_sluice_array out folder glob header type prefix member array element)
    file(GLOB files CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/src/${folder}/${glob})
    set(externs "")
    set(entries "")
    foreach(file ${files})
        get_filename_component(name ${file} NAME_WE)
        string(REGEX REPLACE "^cmd_" "" name ${name})
        string(APPEND externs "extern const struct ${type} ${prefix}_${name};\n")
        string(APPEND entries "    &${prefix}_${name}${member},\n")
    endforeach()
    set(${out} "#include \"${header}\"\n${externs}\nconst struct ${element} *const ${array}[] = {\n${entries}    NULL,\n};\n\n"
        PARENT_SCOPE)
endfunction()

function(_sluice_write path text)
    # Only when changed, so that a re-run of CMake rebuilds nothing.
    file(GENERATE OUTPUT ${path} CONTENT "/* Written by CMake from the folder listings. */\n#include <stddef.h>\n${text}")
endfunction()

function(sluice_feature_registry out)
    _sluice_array(signals route/signal *.c route/signal.h sl_signal_type sl_signal .feature
                  sl_signal_features sl_feature)
    _sluice_array(plugins route/plugin *.c route/plugin.h sl_plugin_type sl_plugin .feature
                  sl_plugin_features sl_feature)
    _sluice_array(selectors route/select *.c route/selector.h sl_selector_type sl_selector .feature
                  sl_selector_features sl_feature)
    _sluice_array(loopers route/looper *.c route/selector.h sl_selector_type sl_looper .feature
                  sl_looper_features sl_feature)
    set(path ${CMAKE_BINARY_DIR}/gen/feature_registry.c)
    _sluice_write(${path} "${signals}${plugins}${selectors}${loopers}")
    set(${out} ${path} PARENT_SCOPE)
endfunction()

function(sluice_command_registry out)
    _sluice_array(commands main cmd_*.c main/command.h sl_command sl_command "" sl_commands sl_command)
    set(path ${CMAKE_BINARY_DIR}/gen/command_registry.c)
    _sluice_write(${path} "${commands}")
    set(${out} ${path} PARENT_SCOPE)
endfunction()
