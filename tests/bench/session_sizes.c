/*
 * What an idle session of the server takes in our own memory, struct by struct: size, and what the heap
 * takes for it. Texts are of the usual length. Prints JSON.
 */
#include "dataplane/internal.h"
#include "lib/ppp/link_internal.h"
#include "server/server_internal.h"
#include "session/line_ppp.h"

#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>

#define HEADER sizeof(size_t) /* of a piece of the heap */

struct piece {
	const char *what;
	size_t size;
	const char *per;
};

/* Of structs that only their files know: what the heap says of one. */
static size_t line_size(void)
{
	static const struct line_ppp_ops ops;
	struct ppp_link_config config = { .role = PPP_SERVER, .name = "" };
	struct line *line = line_ppp_new(&config, 0, &ops);
	size_t size = line ? malloc_usable_size(line) : 0;

	if (line)
		line->ops->release(line);
	return size;
}

int main(void)
{
	const struct piece pieces[] = {
		{ "session", sizeof(struct session), "session" },
		{ "session: subject", sizeof("session 10000 (203.0.113.99, alice)"), "session" },
		{ "session: user", sizeof("alice"), "session" },
		{ "line_ppp", line_size(), "session" },
		{ "ppp_link", sizeof(struct ppp_link), "session" },
		{ "ppp_link: name", sizeof("greyline"), "session" },
		{ "ppp_link: peer_name", sizeof("alice"), "session" },
		{ "dp_session", sizeof(struct dp_session), "session" },
		{ "dp_route, one worker", sizeof(struct dp_route) + sizeof(struct table_node),
			"session" },
		{ "server_connection", sizeof(struct server_connection), "connection" },
	};
	/* What of them is inside of others. */
	const struct piece parts[] = {
		{ "dp_session: tunnel", sizeof(struct tunnel), "dp_session" },
		{ "tunnel: mppe, each way", sizeof(struct mppe), "tunnel" },
		{ "tunnel: gre_receiver", sizeof(struct gre_receiver), "tunnel" },
		{ "tunnel: gre_sender", sizeof(struct gre_sender), "tunnel" },
		{ "tunnel: tunnel_stats", sizeof(struct tunnel_stats), "tunnel" },
		{ "dp_session: published stats", sizeof(((struct dp_session *)0)->stats),
			"dp_session" },
		{ "ppp_link: lcp", sizeof(struct lcp), "ppp_link" },
		{ "ppp_link: ccp", sizeof(struct ccp), "ppp_link" },
		{ "ppp_link: ipcp", sizeof(struct ipcp), "ppp_link" },
		{ "server_connection: uv_tcp_t", sizeof(uv_tcp_t), "server_connection" },
		{ "server_connection: control_connection", sizeof(struct control_connection),
			"server_connection" },
	};
	size_t total = 0;

	printf("{ \"pieces\": [");
	for (size_t i = 0; i < sizeof(pieces) / sizeof(pieces[0]); i++) {
		void *p = malloc(pieces[i].size);
		size_t heap = p ? malloc_usable_size(p) + HEADER : 0;

		free(p);
		total += heap;
		printf("%s\n  { \"what\": \"%s\", \"per\": \"%s\", \"size\": %zu, \"heap\": %zu }",
			i ? "," : "", pieces[i].what, pieces[i].per, pieces[i].size, heap);
	}
	printf("],\n  \"parts\": [");
	for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++)
		printf("%s\n  { \"what\": \"%s\", \"of\": \"%s\", \"size\": %zu }", i ? "," : "",
			parts[i].what, parts[i].per, parts[i].size);
	printf("],\n  \"heap_in_all\": %zu }\n", total);
	return 0;
}
