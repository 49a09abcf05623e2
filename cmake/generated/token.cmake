set(token_unicode ${CMAKE_SOURCE_DIR}/spec/token_unicode.txt)
sluice_generate(OUTPUT token_tables.c TOOL token_tables.py DEPENDS ${token_unicode} ARGS ${token_unicode})
