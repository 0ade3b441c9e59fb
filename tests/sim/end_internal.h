/* What the parts of one end of a simulated call (end.h) have of each other. */
#pragma once

#include "tests/sim/end.h"

/* end_link.c, end_control.c; `user` is the struct sim_end. */
extern const struct ppp_link_ops sim_link_ops;
extern const struct control_ops sim_control_ops;

/* Seals a frame and sends it, or lets it wait for the window; 0, or what tunnel_seal() refuses. */
int sim_end_frame(struct sim_end *e, uint16_t protocol, const uint8_t *info, size_t len);
/* Data may pass, or not: what waited in the tunnel goes on. Without a tunnel, nothing. */
void sim_end_open_data(struct sim_end *e, bool open);
/* No tunnel any more; what is in it is freed. */
void sim_end_tunnel_off(struct sim_end *e);
/* Why it ends: the first reason counts. `detail` may be NULL. */
void sim_end_note(struct sim_end *e, enum pptp_reason reason, const char *detail);
