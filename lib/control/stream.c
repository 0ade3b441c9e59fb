/*
 * The TCP stream of a control connection (RFC 2637 sections 1.4 and 2): cut into messages, however the segments fall. Whole
 * messages are read where they are; parts of one are gathered in `partial`, never more than the largest message.
 */
#include "lib/control/internal.h"

#include <stdlib.h>
#include <string.h>

void control_stream_forget(struct control_connection *c)
{
	free(c->partial);
	c->partial = NULL;
	c->have = 0;
}

/* A message that comes in parts: how much of `data` belongs to it; 0 when the connection is closed. */
static size_t gather(struct control_connection *c, const uint8_t *data, size_t len)
{
	const char *why = "";
	int total = control_message_frame(c->partial, c->have, &why);
	/* The shortest message has at least a header, so this never reads into the next one. */
	size_t want = total > 0 ? (size_t)total : CONTROL_HEADER_SIZE;
	size_t n = want - c->have < len ? want - c->have : len;

	if (!c->partial)
		c->partial = malloc(CONTROL_MESSAGE_MAX);
	if (!c->partial) {
		control_connection_finish(c, PPTP_NO_RESOURCES, "no memory for a message");
		return 0;
	}
	memcpy(c->partial + c->have, data, n);
	c->have += n;
	total = control_message_frame(c->partial, c->have, &why);
	if (total < 0) {
		control_connection_finish(c, PPTP_CONTROL_MALFORMED, why);
		return 0;
	}
	if (total > 0 && c->have == (size_t)total) {
		uint8_t whole[CONTROL_MESSAGE_MAX];

		memcpy(whole, c->partial, (size_t)total);
		control_stream_forget(c);
		control_connection_message(c, whole, (size_t)total);
	}
	return n;
}

void control_connection_receive(
	struct control_connection *c, const uint8_t *data, size_t len, uint64_t now)
{
	c->now = now;
	while (len > 0 && c->state != CONTROL_CLOSED) {
		const char *why = "";
		int total = c->have ? 0 : control_message_frame(data, len, &why);
		size_t n = total > 0 ? (size_t)total : 0;

		if (total < 0)
			control_connection_finish(c, PPTP_CONTROL_MALFORMED, why);
		else if (n && n <= len)
			control_connection_message(c, data, n);
		else
			n = gather(c, data, len);
		if (!n)
			return;
		data += n;
		len -= n;
	}
}
