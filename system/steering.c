/*
 * The kernel's part in steering: see steering.h.
 *
 * IPv4 addresses and IPv6 prefixes share one map, as numbers of 64 bits: an IPv4 address is like a prefix in
 * ::/32, which is nobody's.
 */
#include "system/steering.h"

#include "system/bpf.h"

#include <errno.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#define PREFIXES_MAX 262144
#define EVERYTHING   0xffffffffu

/* Younger than the headers that it may be built with. */
#ifndef TUNSETSTEERINGEBPF
#define TUNSETSTEERINGEBPF _IOR('T', 224, int)
#endif

#define INSN(op, to, from, offset, value)                                                          \
	((struct bpf_insn){ .code = (uint8_t)(op),                                                 \
		.dst_reg = (to),                                                                   \
		.src_reg = (from),                                                                 \
		.off = (offset),                                                                   \
		.imm = (value) })
#define LOAD(size, at)           INSN(BPF_LD | BPF_ABS | (size), 0, 0, 0, at) /* of the packet, to r0 */
#define MOVE(to, from)           INSN(BPF_ALU64 | BPF_MOV | BPF_X, to, from, 0, 0)
#define SET(to, value)           INSN(BPF_ALU64 | BPF_MOV | BPF_K, to, 0, 0, value)
#define JUMP(op, r, value, over) INSN(BPF_JMP | (op) | BPF_K, r, 0, over, value)
#define EXIT                     INSN(BPF_JMP | BPF_EXIT, 0, 0, 0, 0)

/*
 * r0 = the queue, modulo their number (the kernel sees to that). What is too short for a load ends the
 * program with 0: the first worker counts it.
 */
static int load_program(int map)
{
	const struct bpf_insn program[] = {
		MOVE(6, 1), /* loads want the packet there */
		LOAD(BPF_B, 0),
		INSN(BPF_ALU64 | BPF_RSH | BPF_K, 0, 0, 0, 4),
		JUMP(BPF_JEQ, 0, 6, 6), /* to IPv6 */
		JUMP(BPF_JEQ, 0, 4, 2),
		SET(0, 0),
		EXIT,
		LOAD(BPF_W, 16), /* IPv4: the destination */
		MOVE(7, 0),
		JUMP(BPF_JA, 0, 0, 8), /* to the store of r0 as the key */
		LOAD(BPF_W, 24),       /* IPv6: the upper half, and the last word */
		MOVE(8, 0),
		INSN(BPF_ALU64 | BPF_LSH | BPF_K, 8, 0, 0, 32),
		LOAD(BPF_W, 28),
		INSN(BPF_ALU64 | BPF_OR | BPF_X, 8, 0, 0, 0),
		LOAD(BPF_W, 36),
		MOVE(7, 0),
		/* IPv4 comes in behind this. */
		MOVE(0, 8),
		INSN(BPF_STX | BPF_MEM | BPF_DW, 10, 0, -8, 0),
		INSN(BPF_LD | BPF_IMM | BPF_DW, 1, BPF_PSEUDO_MAP_FD, 0, map),
		INSN(0, 0, 0, 0, 0),
		MOVE(2, 10),
		INSN(BPF_ALU64 | BPF_ADD | BPF_K, 2, 0, 0, -8),
		INSN(BPF_JMP | BPF_CALL, 0, 0, 0, BPF_FUNC_map_lookup_elem),
		JUMP(BPF_JEQ, 0, 0, 2),
		INSN(BPF_LDX | BPF_MEM | BPF_W, 0, 0, 0, 0),
		EXIT,
		MOVE(0, 7), /* nobody's in particular: by the last octet of the address */
		INSN(BPF_ALU64 | BPF_AND | BPF_K, 0, 0, 0, 0xff),
		EXIT,
	};

	return bpf_program_open(
		BPF_PROG_TYPE_SOCKET_FILTER, NULL, program, sizeof(program) / sizeof(program[0]));
}

int steering_open(struct steering *s)
{
	int r;

	s->program = -1;
	s->map = bpf_map_open(BPF_MAP_TYPE_HASH, sizeof(uint64_t), sizeof(uint32_t), PREFIXES_MAX);
	if (s->map < 0) {
		r = s->map;
		s->map = -1;
		return r;
	}
	s->program = load_program(s->map);
	if (s->program >= 0)
		return 0;
	r = s->program;
	s->program = -1;
	steering_close(s);
	return r;
}

int steering_attach(const struct steering *s, int tun_fd)
{
	int program = s->program;

	return ioctl(tun_fd, TUNSETSTEERINGEBPF, &program) < 0 ? -errno : 0;
}

void steering_set(const struct steering *s, bool ipv6, const uint8_t *prefix, int queue)
{
	uint32_t value = (uint32_t)queue;
	uint64_t key = 0;

	if (s->map < 0)
		return;
	for (unsigned int i = 0; i < (ipv6 ? 8u : 4u); i++)
		key = key << 8 | prefix[i];
	/* A map that is full steers no more; packets arrive all the same. */
	if (queue < 0)
		(void)bpf_map_delete(s->map, &key);
	else
		(void)bpf_map_set(s->map, &key, &value);
}

void steering_close(struct steering *s)
{
	if (s->program >= 0)
		close(s->program);
	if (s->map >= 0)
		close(s->map);
	s->program = s->map = -1;
}

int steering_filter_attach(int fd, uint32_t shards, unsigned int count, bool others)
{
	struct sock_filter filter[] = {
		BPF_STMT(BPF_LDX | BPF_B | BPF_MSH, 0), /* x = length of the IP header */
		BPF_STMT(BPF_LD | BPF_W | BPF_LEN, 0),
		BPF_STMT(BPF_ALU | BPF_SUB | BPF_X, 0),
		BPF_JUMP(BPF_JMP | BPF_JGE | BPF_K, 8, 0, 11), /* or: no PPTP */
		BPF_STMT(BPF_LD | BPF_H | BPF_IND, 2),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 0x880b, 0, 9),
		BPF_STMT(BPF_LD | BPF_H | BPF_IND, 0),
		BPF_STMT(BPF_ALU | BPF_AND | BPF_K, 7),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 1, 0, 6),
		BPF_STMT(BPF_LD | BPF_H | BPF_IND, 6),
		BPF_STMT(BPF_ALU | BPF_MOD | BPF_K, count),
		BPF_STMT(BPF_MISC | BPF_TAX, 0),
		BPF_STMT(BPF_LD | BPF_W | BPF_IMM, 1),
		BPF_STMT(BPF_ALU | BPF_LSH | BPF_X, 0), /* the shard's bit */
		BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, shards, 1, 2),
		BPF_STMT(BPF_RET | BPF_K, others ? EVERYTHING : 0), /* no PPTP */
		BPF_STMT(BPF_RET | BPF_K, EVERYTHING),
		BPF_STMT(BPF_RET | BPF_K, 0),
	};
	const struct sock_fprog program = {
		.len = sizeof(filter) / sizeof(filter[0]),
		.filter = filter,
	};

	if (setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof(program)) < 0)
		return -errno;
	return 0;
}

int steering_rest(int fd, bool rests)
{
	const char *device = rests ? "lo" : "";
	char bound[IFNAMSIZ] = "";
	socklen_t len = sizeof(bound);

	/* As in a VRF, whose sockets are born so: what it is woken to would not be what it was. */
	if (rests && getsockopt(fd, SOL_SOCKET, SO_BINDTODEVICE, bound, &len) == 0 && len &&
		strcmp(bound, device) != 0)
		return -EBUSY;
	if (setsockopt(fd, SOL_SOCKET, SO_BINDTODEVICE, device, (socklen_t)strlen(device)) < 0)
		return -errno;
	return 0;
}
