/*
 * An LD_PRELOAD for user-mode-linux up to 6.1 on CPUs with big XSAVE areas (AMX).
 *
 * UML saves and restores its guests' FP state with PTRACE_{GET,SET}REGSET in a fixed buffer of 2696
 * bytes. A host kernel refuses a SETREGSET shorter than its full XSAVE area (11008 bytes with AMX),
 * and UML panics: "ptrace set fp regs failed, errno = 14". Here the missing tail is filled in with
 * the state that the process has now (AMX tiles, which a UML guest cannot use anyway). On CPUs
 * where UML's buffer is long enough this does nothing.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <elf.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/uio.h>

static long (*real_ptrace)(int, ...);
static char area[65536] __attribute__((aligned(64)));

__attribute__((constructor)) static void init(void)
{
	real_ptrace = (long (*)(int, ...))dlsym(RTLD_NEXT, "ptrace");
}

long ptrace(enum __ptrace_request req, ...)
{
	va_list ap;
	va_start(ap, req);
	int pid = va_arg(ap, int);
	void *addr = va_arg(ap, void *), *data = va_arg(ap, void *);
	va_end(ap);

	if ((int)req == PTRACE_SETREGSET && addr == (void *)NT_X86_XSTATE) {
		struct iovec *in = data, cur = { area, sizeof area };
		if (real_ptrace(PTRACE_GETREGSET, pid, addr, &cur) == 0 &&
			cur.iov_len > in->iov_len) {
			/* XSTATE_BV: keep the current AMX bits (17, 18) */
			uint64_t *bv = (uint64_t *)(area + 512);
			const uint64_t amx = 3ull << 17;
			uint64_t tail = *bv & amx;
			memcpy(area, in->iov_base, in->iov_len);
			*bv = (*bv & ~amx) | tail;
			return real_ptrace(PTRACE_SETREGSET, pid, addr, &cur);
		}
	}
	return real_ptrace(req, pid, addr, data);
}
