/*
 * The key "datapath": by what GRE packets go. For "packet" and "xdp" this finds the interface, opens
 * what dataplane/io_fast.h needs, and follows links, routes and neighbours for each session, so that
 * the data plane knows where frames go. What cannot be had, at the start or later, means the raw
 * socket: said in the log, never fatal.
 *
 * Control thread only.
 */
#pragma once

#include "dataplane/dataplane.h"
#include "system/hop.h"

#include <uv.h>

enum datapath_mode { DATAPATH_RAW, DATAPATH_PACKET, DATAPATH_XDP };

struct datapath_config {
	enum datapath_mode mode;
	unsigned int workers;   /* of the data plane, 0 as 1; of DATAPATH_XDP just one */
	const char *interface;  /* its name; NULL or "": by the addresses */
	struct in_addr peer;    /* the one that the route to leads through it; 0: no certain one */
	struct in_addr address; /* one that it has; 0: the default route's interface */
	int gre_fd;             /* the raw socket, whose headers are to be equalled */
};

/* -EINVAL if the text is none of "raw", "packet", "xdp". */
int datapath_mode(const char *text, enum datapath_mode *mode);

struct datapath;

/* NULL if there is no fast path: it was not wanted, or why not is in the log. */
struct datapath *datapath_open(uv_loop_t *loop, const struct datapath_config *config);
/* For dp_config.fast: as many as there are workers. */
struct io_fast *datapath_fast(struct datapath *d);
/* After the data plane's end; no session is left. NULL is fine. */
void datapath_close(struct datapath *d);

struct datapath_way; /* a session's part */

/*
 * NULL: its packets go by the raw socket, because `d` is NULL or there is no memory. The call's session must
 * stay until datapath_remove().
 */
struct datapath_way *datapath_add(struct datapath *d, struct dataplane *dp,
	struct dp_session *session, struct in_addr peer, struct in_addr local, uint16_t call_id);
/* NULL is fine. */
void datapath_remove(struct datapath *d, struct datapath_way *way);
