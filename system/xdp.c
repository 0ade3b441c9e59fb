/*
 * The XDP program, made of instructions and loaded by bpf(2): see xdp.h. It is too short for a
 * compiler and a loader to be worth their weight.
 */
#include "system/xdp.h"

#include "system/bpf.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/bpf.h>
#include <linux/if_link.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define QUEUES_MAX  64
#define PROGRAM_MAX 64

/* Of the frame: Ethernet, IPv4 without options, GRE (RFC 2637 section 4.1). */
#define AT_TYPE     12
#define AT_VERSION  14
#define AT_TOTAL    16
#define AT_FRAGMENT 20
#define AT_PROTOCOL 23
#define AT_SOURCE   26
#define AT_TARGET   30
#define AT_GRE      35 /* version in the low three bits */
#define AT_GRE_TYPE 36
#define AT_CALL     40
#define AT_END      42

#define TYPE_IPV4     0x0800
#define IPV4_PLAIN    0x45
#define FRAGMENT_MASK 0x3fff
#define PROTOCOL_GRE  47
#define GRE_VERSION   7
#define GRE_PPP       0x880b

struct call_key {
	uint32_t peer, local; /* network order */
	uint32_t call_id;     /* in network order in the first two octets */
};

/* ---- the program ---- */

struct program {
	struct bpf_insn code[PROGRAM_MAX];
	unsigned int count;
	unsigned int to_pass[PROGRAM_MAX], to_pass_count; /* jumps that are not bound yet */
};

static struct bpf_insn *emit(
	struct program *p, unsigned int code, uint8_t dst, uint8_t src, int offset, int32_t value)
{
	struct bpf_insn *i = &p->code[p->count++];

	*i = (struct bpf_insn){ .code = (uint8_t)code, .off = (int16_t)offset, .imm = value };
	i->dst_reg = dst & 15u;
	i->src_reg = src & 15u;
	return i;
}

static void load(struct program *p, unsigned int size, uint8_t dst, uint8_t src, int offset)
{
	emit(p, BPF_LDX | BPF_MEM | size, dst, src, offset, 0);
}

static void store(struct program *p, unsigned int size, uint8_t dst, int offset, uint8_t src)
{
	emit(p, BPF_STX | BPF_MEM | size, dst, src, offset, 0);
}

static void set(struct program *p, unsigned int operation, uint8_t dst, int32_t value)
{
	emit(p, BPF_ALU64 | operation | BPF_K, dst, 0, 0, value);
}

static void copy(struct program *p, uint8_t dst, uint8_t src)
{
	emit(p, BPF_ALU64 | BPF_MOV | BPF_X, dst, src, 0, 0);
}

static void set_map(struct program *p, uint8_t dst, int fd)
{
	emit(p, BPF_LD | BPF_DW | BPF_IMM, dst, BPF_PSEUDO_MAP_FD, 0, fd);
	emit(p, 0, 0, 0, 0, 0);
}

static void call(struct program *p, int32_t helper)
{
	emit(p, BPF_JMP | BPF_CALL, 0, 0, 0, helper);
}

/* To the kernel, if the comparison holds. */
static void pass_if(struct program *p, unsigned int comparison, uint8_t dst, int32_t value)
{
	p->to_pass[p->to_pass_count++] = p->count;
	emit(p, BPF_JMP | comparison | BPF_K, dst, 0, 0, value);
}

static void pass_unless(struct program *p, uint8_t dst, int32_t value)
{
	pass_if(p, BPF_JNE, dst, value);
}

/* r2: the frame, r3: its end. */
static void emit_checks(struct program *p, unsigned int largest)
{
	load(p, BPF_W, BPF_REG_2, BPF_REG_1, offsetof(struct xdp_md, data));
	load(p, BPF_W, BPF_REG_3, BPF_REG_1, offsetof(struct xdp_md, data_end));
	copy(p, BPF_REG_4, BPF_REG_2);
	set(p, BPF_ADD, BPF_REG_4, AT_END);
	p->to_pass[p->to_pass_count++] = p->count;
	emit(p, BPF_JMP | BPF_JGT | BPF_X, BPF_REG_4, BPF_REG_3, 0, 0);
	load(p, BPF_H, BPF_REG_5, BPF_REG_2, AT_TYPE);
	pass_unless(p, BPF_REG_5, htons(TYPE_IPV4));
	load(p, BPF_B, BPF_REG_5, BPF_REG_2, AT_VERSION);
	pass_unless(p, BPF_REG_5, IPV4_PLAIN);
	load(p, BPF_B, BPF_REG_5, BPF_REG_2, AT_PROTOCOL);
	pass_unless(p, BPF_REG_5, PROTOCOL_GRE);
	load(p, BPF_H, BPF_REG_5, BPF_REG_2, AT_FRAGMENT);
	set(p, BPF_AND, BPF_REG_5, htons(FRAGMENT_MASK));
	pass_unless(p, BPF_REG_5, 0);
	load(p, BPF_H, BPF_REG_5, BPF_REG_2, AT_TOTAL);
	emit(p, BPF_ALU | BPF_END | BPF_TO_BE, BPF_REG_5, 0, 0, 16);
	pass_if(p, BPF_JGT, BPF_REG_5, (int32_t)largest);
	load(p, BPF_B, BPF_REG_5, BPF_REG_2, AT_GRE);
	set(p, BPF_AND, BPF_REG_5, GRE_VERSION);
	pass_unless(p, BPF_REG_5, 1);
	load(p, BPF_H, BPF_REG_5, BPF_REG_2, AT_GRE_TYPE);
	pass_unless(p, BPF_REG_5, htons(GRE_PPP));
}

static void emit_redirect(struct program *p, const struct xdp *x)
{
	const int key = -(int)sizeof(struct call_key);

	load(p, BPF_W, BPF_REG_5, BPF_REG_2, AT_SOURCE);
	store(p, BPF_W, BPF_REG_10, key + (int)offsetof(struct call_key, peer), BPF_REG_5);
	load(p, BPF_W, BPF_REG_5, BPF_REG_2, AT_TARGET);
	store(p, BPF_W, BPF_REG_10, key + (int)offsetof(struct call_key, local), BPF_REG_5);
	set(p, BPF_MOV, BPF_REG_5, 0);
	store(p, BPF_W, BPF_REG_10, key + (int)offsetof(struct call_key, call_id), BPF_REG_5);
	load(p, BPF_H, BPF_REG_5, BPF_REG_2, AT_CALL);
	store(p, BPF_H, BPF_REG_10, key + (int)offsetof(struct call_key, call_id), BPF_REG_5);
	copy(p, BPF_REG_2, BPF_REG_10);
	set(p, BPF_ADD, BPF_REG_2, key);
	set_map(p, BPF_REG_1, x->calls);
	call(p, BPF_FUNC_map_lookup_elem);
	pass_if(p, BPF_JEQ, BPF_REG_0, 0);
	load(p, BPF_W, BPF_REG_2, BPF_REG_6, offsetof(struct xdp_md, rx_queue_index));
	set_map(p, BPF_REG_1, x->sockets);
	set(p, BPF_MOV, BPF_REG_3, XDP_PASS); /* where the queue has no socket */
	call(p, BPF_FUNC_redirect_map);
	emit(p, BPF_JMP | BPF_EXIT, 0, 0, 0, 0);
}

static void build(struct program *p, const struct xdp *x, unsigned int largest)
{
	memset(p, 0, sizeof(*p));
	copy(p, BPF_REG_6, BPF_REG_1);
	emit_checks(p, largest);
	emit_redirect(p, x);
	for (unsigned int i = 0; i < p->to_pass_count; i++)
		p->code[p->to_pass[i]].off = (int16_t)(p->count - p->to_pass[i] - 1);
	set(p, BPF_MOV, BPF_REG_0, XDP_PASS);
	emit(p, BPF_JMP | BPF_EXIT, 0, 0, 0, 0);
}

/* ---- life ---- */

static int load_program(const struct xdp *x, unsigned int largest)
{
	struct program p;

	build(&p, x, largest);
	return bpf_program_open(BPF_PROG_TYPE_XDP, "greyline", p.code, p.count);
}

static int refuse(struct xdp *x, int error, const char *what, char *why)
{
	xdp_close(x);
	if (error == -EPERM || error == -EACCES)
		snprintf(why, SYSTEM_WHY,
			"no permission to %s: run as root or with CAP_NET_ADMIN and CAP_BPF", what);
	else if (error == -EBUSY || error == -EEXIST)
		snprintf(why, SYSTEM_WHY, "cannot %s: the device has one already", what);
	else if (error == -ENOSYS || error == -EINVAL)
		snprintf(why, SYSTEM_WHY, "cannot %s: this kernel cannot do that (since Linux 5.9)",
			what);
	else
		snprintf(why, SYSTEM_WHY, "cannot %s: %s", what, strerror(-error));
	return -1;
}

int xdp_open(struct xdp *x, unsigned int ifindex, unsigned int largest, char *why)
{
	*x = (struct xdp){ .calls = -1, .sockets = -1, .program = -1, .link = -1 };
	x->calls = bpf_map_open(
		BPF_MAP_TYPE_HASH, sizeof(struct call_key), sizeof(uint32_t), XDP_CALLS_MAX);
	if (x->calls < 0)
		return refuse(x, x->calls, "make a table for an XDP program", why);
	x->sockets =
		bpf_map_open(BPF_MAP_TYPE_XSKMAP, sizeof(uint32_t), sizeof(uint32_t), QUEUES_MAX);
	if (x->sockets < 0)
		return refuse(x, x->sockets, "make a table of AF_XDP sockets", why);
	x->program = load_program(x, largest);
	if (x->program < 0)
		return refuse(x, x->program, "load an XDP program", why);
	x->link = bpf_link_xdp(x->program, ifindex, XDP_FLAGS_DRV_MODE);
	if (x->link < 0 && x->link != -EBUSY && x->link != -EEXIST && x->link != -EPERM) {
		x->generic = true;
		x->link = bpf_link_xdp(x->program, ifindex, XDP_FLAGS_SKB_MODE);
	}
	if (x->link < 0)
		return refuse(x, x->link, "attach an XDP program", why);
	return 0;
}

void xdp_close(struct xdp *x)
{
	int *fds[] = { &x->link, &x->program, &x->sockets, &x->calls };

	for (size_t i = 0; i < sizeof(fds) / sizeof(*fds); i++) {
		if (*fds[i] >= 0)
			close(*fds[i]);
		*fds[i] = -1;
	}
}

/* ---- its tables ---- */

int xdp_set_socket(struct xdp *x, unsigned int queue, int fd)
{
	uint32_t key = queue, value = (uint32_t)fd;

	return bpf_map_set(x->sockets, &key, &value);
}

static struct call_key key_of(struct in_addr peer, struct in_addr local, uint16_t call_id)
{
	struct call_key key = { .peer = peer.s_addr, .local = local.s_addr };
	uint16_t id = htons(call_id);

	memcpy(&key.call_id, &id, sizeof(id));
	return key;
}

int xdp_add(struct xdp *x, struct in_addr peer, struct in_addr local, uint16_t call_id)
{
	struct call_key key = key_of(peer, local, call_id);
	uint32_t value = 1;

	return bpf_map_set(x->calls, &key, &value);
}

int xdp_remove(struct xdp *x, struct in_addr peer, struct in_addr local, uint16_t call_id)
{
	struct call_key key = key_of(peer, local, call_id);

	return bpf_map_delete(x->calls, &key);
}
