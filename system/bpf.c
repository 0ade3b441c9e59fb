/* bpf(2): see bpf.h. */
#include "system/bpf.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#define ETHERNET 14 /* what a test run takes off a packet's front */

static int call(int command, union bpf_attr *attr)
{
	long r = syscall(SYS_bpf, command, attr, sizeof(*attr));

	return r < 0 ? -errno : (int)r;
}

static uint64_t pointer(const void *p)
{
	return (uint64_t)(uintptr_t)p;
}

int bpf_map_open(enum bpf_map_type type, uint32_t key_size, uint32_t value_size, uint32_t max)
{
	union bpf_attr attr;

	memset(&attr, 0, sizeof(attr));
	attr.map_type = type;
	attr.key_size = key_size;
	attr.value_size = value_size;
	attr.max_entries = max;
	attr.map_flags = type == BPF_MAP_TYPE_HASH ? BPF_F_NO_PREALLOC : 0;
	return call(BPF_MAP_CREATE, &attr);
}

int bpf_map_set(int map, const void *key, const void *value)
{
	union bpf_attr attr;

	memset(&attr, 0, sizeof(attr));
	attr.map_fd = (uint32_t)map;
	attr.key = pointer(key);
	attr.value = pointer(value);
	attr.flags = BPF_ANY;
	return call(BPF_MAP_UPDATE_ELEM, &attr);
}

int bpf_map_delete(int map, const void *key)
{
	union bpf_attr attr;

	memset(&attr, 0, sizeof(attr));
	attr.map_fd = (uint32_t)map;
	attr.key = pointer(key);
	return call(BPF_MAP_DELETE_ELEM, &attr);
}

int bpf_program_open(
	enum bpf_prog_type type, const char *name, const struct bpf_insn *program, uint32_t count)
{
	union bpf_attr attr;

	memset(&attr, 0, sizeof(attr));
	attr.prog_type = type;
	attr.insns = pointer(program);
	attr.insn_cnt = count;
	attr.license = pointer("MIT");
	if (name)
		snprintf(attr.prog_name, sizeof(attr.prog_name), "%s", name);
	return call(BPF_PROG_LOAD, &attr);
}

int bpf_link_xdp(int program, unsigned int ifindex, uint32_t flags)
{
	union bpf_attr attr;

	memset(&attr, 0, sizeof(attr));
	attr.link_create.prog_fd = (uint32_t)program;
	attr.link_create.target_ifindex = ifindex;
	attr.link_create.attach_type = BPF_XDP;
	attr.link_create.flags = flags;
	return call(BPF_LINK_CREATE, &attr);
}

int bpf_program_run(int program, const uint8_t *packet, uint32_t len, uint32_t *result)
{
	uint8_t frame[ETHERNET + 2048] = { 0 };
	union bpf_attr attr;
	int r;

	if (len > sizeof(frame) - ETHERNET)
		return -EMSGSIZE;
	memcpy(frame + ETHERNET, packet, len);
	memset(&attr, 0, sizeof(attr));
	attr.test.prog_fd = (uint32_t)program;
	attr.test.data_in = pointer(frame);
	attr.test.data_size_in = ETHERNET + len;
	r = call(BPF_PROG_TEST_RUN, &attr);
	*result = attr.test.retval;
	return r;
}
