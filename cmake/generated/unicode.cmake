sluice_generate(OUTPUT unicode_tables.c TOOL unicode_tables.py)
