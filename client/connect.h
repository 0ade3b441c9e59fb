/* `greyline connect`: dials a server (RFC 2637: the PNS), brings up a TUN device, reconnects. */
#pragma once

/* The whole command; returns its exit status (greyline(1)). */
int connect_main(int argc, char **argv);
