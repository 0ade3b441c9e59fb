/*
 * A control protocol and a scripted peer: packets as hex in and out, events and rejections noted.
 * Everything that is sent must be expected, in order.
 */
#pragma once

#include "lib/ppp/cp.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define SCRIPT_FRAMES 128

static struct {
	struct {
		uint16_t protocol;
		size_t len;
		uint8_t data[1600];
	} sent[SCRIPT_FRAMES];
	unsigned int count, next;
	unsigned int events[8]; /* by enum cp_event */
	uint16_t rejected;
	uint8_t random; /* next byte of "randomness" */
	char log[8192];
} script;

static inline size_t script_hex(const char *hex, uint8_t *out, size_t size)
{
	size_t n = 0;

	for (const char *p = hex; *p;) {
		char byte[3] = { 0 };

		if (*p == ' ') {
			p++;
			continue;
		}
		assert_true(n < size && p[1]);
		byte[0] = p[0];
		byte[1] = p[1];
		out[n++] = (uint8_t)strtoul(byte, NULL, 16);
		p += 2;
	}
	return n;
}

static inline void script_send(void *user, uint16_t protocol, const uint8_t *packet, size_t len)
{
	(void)user;
	assert_true(script.count < SCRIPT_FRAMES && len <= sizeof(script.sent[0].data));
	script.sent[script.count].protocol = protocol;
	script.sent[script.count].len = len;
	memcpy(script.sent[script.count++].data, packet, len);
}

static inline void script_random(void *user, void *buf, size_t len)
{
	(void)user;
	memset(buf, script.random++, len);
}

static inline void script_event(void *user, struct cp *cp, enum cp_event event)
{
	(void)user;
	(void)cp;
	script.events[event]++;
}

static inline void script_rejected(void *user, uint16_t protocol)
{
	(void)user;
	script.rejected = protocol;
}

__attribute__((format(printf, 3, 0))) static inline void script_log(
	void *user, enum ppp_log level, const char *format, va_list ap)
{
	size_t used = strlen(script.log);

	(void)user;
	(void)level;
	vsnprintf(script.log + used, sizeof(script.log) - used, format, ap);
}

static const struct cp_host script_host = {
	.send = script_send,
	.random = script_random,
	.event = script_event,
	.protocol_rejected = script_rejected,
	.log = script_log,
};

static inline void script_reset(void)
{
	memset(&script, 0, sizeof(script));
	script.random = 0xa1;
}

/* The next packet that was sent is `hex`. */
static inline void script_expect_on(uint16_t protocol, const char *hex, int line)
{
	uint8_t want[1600];
	char text[400] = "";
	size_t len = script_hex(hex, want, sizeof(want));

	if (script.next == script.count)
		fail_msg("line %d: nothing sent, want %s", line, hex);
	for (size_t i = 0; i < script.sent[script.next].len && i < 120; i++)
		snprintf(text + 3 * i, 4, "%02x ", script.sent[script.next].data[i]);
	if (script.sent[script.next].protocol != protocol || script.sent[script.next].len != len ||
		memcmp(script.sent[script.next].data, want, len))
		fail_msg("line %d: sent %04x %s, want %04x %s", line,
			script.sent[script.next].protocol, text, protocol, hex);
	script.next++;
}

static inline void script_nothing(int line)
{
	if (script.next != script.count)
		fail_msg("line %d: sent %04x code %u", line, script.sent[script.next].protocol,
			script.sent[script.next].data[0]);
}
