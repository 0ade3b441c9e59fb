/*
 * IPv6 of the server's calls: a prefix for each session, routed to it and advertised on it, and a
 * peer's link-local address, by which the one device finds the session.
 */
#pragma once

#include "session/session.h"

/* This end's interface identifier on every session: fe80::1. */
extern const uint8_t server_identifier[8];

/* For session_ops. */
int server_up6(struct session *s, char *why);
bool server_may_have(struct session *s, const uint8_t identifier[8]);
/* The session is gone: its prefix is free again. */
void server_gone6(struct session *s);
