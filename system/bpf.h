/*
 * bpf(2), as much of it as the steering of queues needs: without a compiler or a library, programs are
 * instructions written down. All return a negative errno; a machine may refuse them all (EPERM in a container
 * or without CAP_BPF, ENOSYS), so whoever uses them has another way.
 */
#pragma once

#include <linux/bpf.h>
#include <stddef.h>
#include <stdint.h>

/* A hash map of at most `max` entries, whose memory is taken as they come: its descriptor. */
int bpf_map_open(uint32_t key_size, uint32_t value_size, uint32_t max);
int bpf_map_set(int map, const void *key, const void *value);
int bpf_map_delete(int map, const void *key);

/* A socket filter: its descriptor. */
int bpf_program_open(const struct bpf_insn *program, uint32_t count);
/* What the kernel says that it returns for a packet (for tests). */
int bpf_program_run(int program, const uint8_t *packet, uint32_t len, uint32_t *result);
