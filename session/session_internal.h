/* What the files of a session share: session.c (its life), session_call.c (its call). */
#pragma once

#include "session/session.h"

/* The first reason stays. */
void session_begin_end(struct session *s, enum pptp_reason reason, const char *detail);
/* After whatever may have changed a deadline or ended a part. */
void session_settle(struct session *s);
/* The line is over (or never began): the call goes, then the data plane's session. */
void session_line_is_over(struct session *s);
/* Frames may pass. */
void session_start_line(struct session *s);
/* Set-up failed before the peer learnt of the session: all is undone, `gone` is called as ever. */
void session_abandon(struct session *s, enum pptp_reason reason, const char *detail);
/* NULL: out of memory; `line` (NULL: our own PPP stack) is released then. `asked` is copied. */
struct session *session_new(struct hub *h, struct connection *c, enum session_kind kind,
	const struct line_call *asked, struct line *line, const struct session_config *config,
	const struct session_ops *ops, void *owner);
/* Into the data plane, with a Call ID nobody can guess. 0 or a negative errno. */
int session_add_to_dataplane(
	struct session *s, uint16_t peer_call_id, uint16_t window, uint16_t delay);

/* Data passes: the first time, of whichever protocol, its owner is told. */
void session_data_is_up(struct session *s);

/* session_memory.c */
/* With no texts yet; -1: out of memory. */
int session_memory_init(struct session *s, struct hub *h, const struct line_call *call);
/* With all that is the session's, but its line. */
void session_memory_free(struct session *s);
/* A text of the session is this one from now on; it must not be (part of) the one that it replaces. */
void session_keep_text(char **at, const char *text);
/* A frame that came before its call was answered; one too many is lost. */
void session_keep_early(struct session *s, uint16_t protocol, const uint8_t *data, size_t len);
void session_forget_early(struct session *s);
/* Where news of its line are kept; NULL: out of memory. */
struct session_line_news *session_news(struct session *s);

/* session_ipv6.c */
void session_ipv6_up(struct session *s, const struct ppp_network *net);
void session_ipv6_down(struct session *s);
bool session_ipv6_may_have(struct session *s, const uint8_t identifier[8]);
/* A packet of Neighbor Discovery. */
void session_ipv6_receive(struct session *s, const uint8_t *packet, size_t len);
void session_ipv6_tick(struct session *s, uint64_t now);
uint64_t session_ipv6_deadline(const struct session *s);

/* session_call.c */
void session_hang_up_call(struct session *s);
void session_connected(struct session *s, const struct line_connection *connection);
void session_failed(struct session *s, const struct line_failure *failure);
