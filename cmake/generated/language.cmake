sluice_generate(OUTPUT language_model.c TOOL embed.py
                DEPENDS ${CMAKE_SOURCE_DIR}/models/language/language.bin
                ARGS ${CMAKE_SOURCE_DIR}/models/language/language.bin sl_language_data)
