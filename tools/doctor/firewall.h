/*
 * Would this machine's nftables rules (also those of iptables-nft) let a packet pass? A reading of what
 * libnftables gives as JSON, base chain after base chain, for a packet of which only some things are
 * known. What cannot be judged (sets by name, limits, verdict maps, extensions of iptables) makes the
 * answer unsure, never wrong. Pure.
 */
#pragma once

#include <jansson.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum firewall_verdict { FIREWALL_PASS, FIREWALL_UNSURE, FIREWALL_BLOCK };

struct firewall_packet {
	uint8_t protocol;
	struct in_addr from, to;
	uint16_t port;      /* destination, of TCP; 0 none */
	const char *device; /* it comes or goes by; "" not known */
	bool incoming;      /* it is the answer to packets that went out before */
};

/* `hook`: "input" or "output". `rule` says which one blocks, or may block it; "" if it passes. */
enum firewall_verdict firewall_judge(const json_t *ruleset, const char *hook,
	const struct firewall_packet *packet, char *rule, size_t size);
/* Is there a rule that assigns the kernel's PPTP helper (a "ct helper" of type pptp)? */
bool firewall_has_helper(const json_t *ruleset);
/* Does a rule of a nat chain masquerade or rewrite sources? */
bool firewall_has_nat(const json_t *ruleset);
