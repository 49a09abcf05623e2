/* Keeps the support library non-empty. */
typedef int sl_unit_support_is_never_empty;
