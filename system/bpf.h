/*
 * bpf(2), as much of it as the steering of queues and the XDP program need: without a compiler or a library,
 * programs are instructions written down. All return a negative errno; a machine may refuse them all (EPERM in a container
 * or without CAP_BPF, ENOSYS), so whoever uses them has another way.
 */
#pragma once

#include <linux/bpf.h>
#include <stddef.h>
#include <stdint.h>

/* A map of at most `max` entries: its descriptor. A hash map takes memory as they come. */
int bpf_map_open(enum bpf_map_type type, uint32_t key_size, uint32_t value_size, uint32_t max);
int bpf_map_set(int map, const void *key, const void *value);
int bpf_map_delete(int map, const void *key);

/* Its descriptor. `name`, up to 15 octets, is for bpftool(8); NULL: none. */
int bpf_program_open(
	enum bpf_prog_type type, const char *name, const struct bpf_insn *program, uint32_t count);
/* A program at an interface, until the descriptor that comes back is closed. `flags`: XDP_FLAGS_... */
int bpf_link_xdp(int program, unsigned int ifindex, uint32_t flags);
/* What the kernel says that it returns for a packet (for tests). */
int bpf_program_run(int program, const uint8_t *packet, uint32_t len, uint32_t *result);
