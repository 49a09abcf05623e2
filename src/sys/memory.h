/* Memory that is no longer needed goes back to the system. */
#ifndef SL_SYS_MEMORY_H
#define SL_SYS_MEMORY_H

/*
 * Gives back what loading and compiling touched and serving does not: free heap pages, and the code
 * and constants of shared libraries (a pattern compiler's, say). A library's page that is used
 * again comes from the page cache. Any thread; takes about a millisecond, so not on a loop.
 */
void sl_memory_trim(void);

#endif
