/* ICMP Echo (RFC 792) in IPv4, for inner packets of load generator and doctor. */
#pragma once

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define ECHO_SIZE 48 /* IPv4 header 20, ICMP header 8, tag 4, filling */

/* Writes an Echo-Request of ECHO_SIZE octets to `out`. `tag` comes back in the reply. */
void echo_request(uint8_t *out, struct in_addr source, struct in_addr destination,
	uint16_t sequence, uint32_t tag);
/* The same of another size, ECHO_SIZE to ECHO_MAX. */
#define ECHO_MAX 1500
void echo_request_sized(uint8_t *out, size_t size, struct in_addr source,
	struct in_addr destination, uint16_t sequence, uint32_t tag);

/* Is it a valid Echo-Reply of ours? Then its tag, and whom it was for. */
bool echo_reply(const uint8_t *packet, size_t len, struct in_addr *destination, uint32_t *tag);

/* The same for a reply of any size, or the first fragment of one, whose end is not looked at. */
bool echo_reply_begins(const uint8_t *packet, size_t len, uint32_t *tag);
