/*
 * The data of a simulated call, numbered: TCP packets of some connections, with their number and
 * sequence number in them (MPPE's recovery looks at the header, and compression changes it), then
 * octets that follow from these. Now and then each connection goes a little back, as what is sent
 * again does: so headers are learnt anew after a loss.
 */
#pragma once

#include "tests/sim/end.h"
#include "tests/unit/tcp_packet.h"

/* The next packet of `len` octets (or a few more, if it is too small); its length. */
size_t sim_data_make(struct sim_end *e, size_t len, uint8_t data[TCP_PACKET_MAX]);
/* What came: counted, or a violation. */
void sim_data_take(struct sim_end *e, const struct packet *p);
