/*
 * The calls of a control connection by their Call IDs, ours and the peer's (RFC 2637 section 3.2.2). Few
 * calls are looked for in the connection's list, which takes no memory; from INDEX_FROM on there is a hash
 * table for each kind of ID. Without memory for it the list is still there, and right.
 *
 * A peer chooses its own IDs, and with them the chains of one table; as an ID has 16 bits, no chain is
 * longer than 65536 over the number of buckets, which is about that of calls: 256 at the worst.
 */
#pragma once

#include <stdint.h>

struct control_call;
struct control_connection;

#define INDEX_FROM 16 /* calls */

struct control_index {
	unsigned int bits; /* each table has 1 << bits buckets */
	struct control_call **own, **peer;
	struct control_call *buckets[];
};

/* The call is in the list, with its own ID. */
void control_index_add(struct control_connection *c, struct control_call *call);
/* It has the peer's ID now, which it keeps. */
void control_index_add_peer(struct control_connection *c, struct control_call *call);
/* It leaves the list. With the last one the tables are freed. */
void control_index_remove(struct control_connection *c, struct control_call *call);

/* By our ID; NULL: there is none. */
struct control_call *control_index_find_own(const struct control_connection *c, uint16_t call_id);
/* The next one behind `after` (NULL: the first) with that ID of the peer's: two may have the same, one that it
 * placed and one that we did. */
struct control_call *control_index_find_peer(
	const struct control_connection *c, uint16_t call_id, const struct control_call *after);
