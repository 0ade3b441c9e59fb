/* `greyline server`: accepts PPTP calls (RFC 2637: the PAC of VPN use) and routes between them and
 * the network. */
#pragma once

/* The whole command; returns its exit status: 0 ended by a signal, 1 could not run, 2 usage or
 * configuration. */
int server_main(int argc, char **argv);
