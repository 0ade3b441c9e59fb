/* The client's lines: see output.h. */
#include "client/output.h"

#include "system/log.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

/* Also of bytes that are no UTF-8. */
static json_t *text(const char *s)
{
	json_t *o = json_string(s);
	char escaped[1024];

	return o ? o : json_string(log_escape(escaped, sizeof(escaped), s, strlen(s)));
}

static void line(json_t *o)
{
	json_dumpf(o, stdout, JSON_COMPACT);
	putchar('\n');
	fflush(stdout);
	json_decref(o);
}

void output_connected(
	const struct client_output *o, const struct session *s, const char *dev, const char *server)
{
	char local[INET_ADDRSTRLEN], remote[INET_ADDRSTRLEN], encryption[48] = "none";
	struct ppp_link_info info;

	session_ppp_info(s, &info);
	inet_ntop(AF_INET, &s->net.local, local, sizeof(local));
	inet_ntop(AF_INET, &s->net.remote, remote, sizeof(remote));
	if (info.tx_encrypted)
		snprintf(encryption, sizeof(encryption), "MPPE-%d %s", (int)info.mppe.bits,
			info.mppe.stateless ? "stateless" : "stateful");
	if (o->json) {
		line(json_pack("{ss ss ss ss ss ss ss sI}", "event", "connected", "local", local,
			"remote", remote, "device", dev, "server", server, "auth", info.auth,
			"encryption", encryption, "setup_ms",
			(json_int_t)((s->up_at - s->began) / 1000)));
		return;
	}
	printf("connected: local %s, remote %s, device %s, server %s, %s, %s\n", local, remote, dev,
		server, *info.auth ? info.auth : "not authenticated",
		info.tx_encrypted ? encryption : "not encrypted");
	fflush(stdout);
}

void output_disconnected(const struct client_output *o, enum pptp_reason reason, const char *detail)
{
	if (o->json) {
		line(json_pack("{ss ss ss so}", "event", "disconnected", "reason",
			pptp_reason_name(reason), "text", pptp_reason_text(reason), "detail",
			text(detail)));
		return;
	}
	printf("disconnected: %s%s%s\n", pptp_reason_text(reason), *detail ? ": " : "", detail);
	fflush(stdout);
}

void output_new_password(const struct client_output *o, bool changed, const char *file)
{
	const char *where = file && *file ? file : "GREYLINE_PASSWORD";

	if (o->json) {
		line(json_pack("{ss sb so}", "event", "new-password", "changed", (int)changed,
			"update", text(where)));
		return;
	}
	printf("%s: write the new one into %s, and leave new-password-file out from now on\n",
		changed ? "the password was changed"
			: "the server knows the new password only, not the old one",
		where);
	fflush(stdout);
}

void output_retry(const struct client_output *o, uint64_t wait_us)
{
	if (o->json) {
		line(json_pack(
			"{ss sI}", "event", "retry", "seconds", (json_int_t)(wait_us / 1000000)));
		return;
	}
	printf("dialling again in %llu s\n", (unsigned long long)(wait_us / 1000000));
	fflush(stdout);
}
