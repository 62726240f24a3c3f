/* email_sandbox.c - what a process that reads strangers' mails may still do: compute, read the file
 * that it was given, and answer.
 *
 * The filter refuses (EPERM) instead of killing: a library that would like a file (a charset's
 * module, a time zone) lives without it, and the mail is read. That is also why it holds in builds
 * with AddressSanitizer, whose own calls are refused in the same way; only the limit on address
 * space is left out there. */
#include <errno.h>
#include <fcntl.h>
#include <seccomp.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/mem.h"
#include "connectors/email/email_asan.h"
#include "connectors/email/email_child_private.h"

#define MEMORY_MAX (192u << 20) /* on top of what the program takes when it begins */
#define CPU_MAX_S 120
#define FILES_MAX 8

static int limit(int what, rlim_t max) {
    struct rlimit r = {max, max};
    return setrlimit((__rlimit_resource_t)what, &r);
}

/* The address space in use, bytes; 0 when /proc does not say. */
static rlim_t memory_now(void) {
    char text[64] = "";
    int fd = open("/proc/self/statm", O_RDONLY | O_CLOEXEC);
    ssize_t n = fd < 0 ? -1 : read(fd, text, sizeof text - 1);
    if (fd >= 0)
        close(fd);
    long page = sysconf(_SC_PAGESIZE);
    return n > 0 && page > 0 ? (rlim_t)strtoull(text, NULL, 10) * (rlim_t)page : 0;
}

static int set_limits(void) {
    rlim_t memory = memory_now();
    if (!EMAIL_ASAN && (memory == 0 || limit(RLIMIT_AS, memory + MEMORY_MAX) < 0))
        return -1;
    if (limit(RLIMIT_CPU, CPU_MAX_S) < 0 || limit(RLIMIT_NOFILE, FILES_MAX) < 0 ||
        limit(RLIMIT_FSIZE, 0) < 0 || limit(RLIMIT_NPROC, 0) < 0 || limit(RLIMIT_CORE, 0) < 0)
        return -1;
    return 0;
}

/* No new code may be mapped. */
static int allow_memory(scmp_filter_ctx f, int call) {
    return seccomp_rule_add(f, SCMP_ACT_ALLOW, call, 1, SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_EXEC, 0));
}

static int set_filter(void) {
    static const int allowed[] = {SCMP_SYS(read), SCMP_SYS(pread64), SCMP_SYS(lseek),
        SCMP_SYS(write), SCMP_SYS(writev), SCMP_SYS(sendmsg), SCMP_SYS(recvmsg), SCMP_SYS(close),
        SCMP_SYS(munmap), SCMP_SYS(mremap), SCMP_SYS(brk), SCMP_SYS(madvise), SCMP_SYS(futex),
        SCMP_SYS(clock_gettime), SCMP_SYS(gettimeofday), SCMP_SYS(getpid), SCMP_SYS(gettid),
        SCMP_SYS(tgkill), SCMP_SYS(rt_sigprocmask), SCMP_SYS(rt_sigaction), SCMP_SYS(rt_sigreturn),
        SCMP_SYS(sigaltstack), SCMP_SYS(sched_yield), SCMP_SYS(getrandom), SCMP_SYS(exit),
        SCMP_SYS(exit_group), SCMP_SYS(restart_syscall)};
    scmp_filter_ctx f = seccomp_init(SCMP_ACT_ERRNO(EPERM));
    int rc = f ? 0 : -1;
    for (size_t i = 0; rc == 0 && i < ARRAY_LEN(allowed); i++)
        rc = seccomp_rule_add(f, SCMP_ACT_ALLOW, allowed[i], 0);
    if (rc == 0)
        rc = allow_memory(f, SCMP_SYS(mmap));
    if (rc == 0)
        rc = allow_memory(f, SCMP_SYS(mprotect));
    if (rc == 0)
        rc = seccomp_load(f);
    if (f)
        seccomp_release(f);
    return rc < 0 ? -1 : 0;
}

int email_sandbox_enter(void) {
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 || set_limits() < 0)
        return -1;
    return set_filter();
}
