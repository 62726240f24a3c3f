/* mem.h - heap memory that never returns NULL: out of memory aborts (everything that the network
 * can make us allocate is bounded before it gets here). Free with free(). */
#ifndef SB_BASE_MEM_H
#define SB_BASE_MEM_H

#include <stddef.h>

void *mem_alloc(size_t n);                  /* n bytes, not cleared */
void *mem_zalloc(size_t n);                 /* n bytes, zeroed */
void *mem_realloc(void *p, size_t n);       /* as realloc */
char *mem_strdup(const char *s);            /* NULL gives NULL */
char *mem_strndup(const char *p, size_t n); /* copies n bytes and adds a NUL */
char *mem_printf(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/* The object of type T whose member m is at p. */
#define container_of(p, T, m) ((T *)(void *)((char *)(p)-offsetof(T, m)))

#define ARRAY_LEN(a) (sizeof(a) / sizeof((a)[0]))

#endif
