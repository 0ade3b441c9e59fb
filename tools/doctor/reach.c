/* Name, addresses, TCP, Start-Control-Connection: see steps.h. */
#include "tools/doctor/steps.h"

#include "system/log.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

#define RESOLVE_MS 10000
#define START_TIME 22000000ull /* us: TCP and the reply have their own deadlines */

struct resolving {
	struct doctor *doctor;
	uv_getaddrinfo_t request;
	uv_timer_t timer;
	bool done, late;
	int status;
};

static void add(struct doctor *d, struct in_addr address)
{
	for (unsigned int i = 0; i < d->address_count; i++) {
		if (d->addresses[i].s_addr == address.s_addr)
			return;
	}
	if (d->address_count < DOCTOR_ADDRESSES)
		d->addresses[d->address_count++] = address;
}

static void on_resolved(uv_getaddrinfo_t *request, int status, struct addrinfo *list)
{
	struct resolving *r = request->data;

	r->done = true;
	r->status = status;
	for (struct addrinfo *ai = list; ai; ai = ai->ai_next) {
		if (ai->ai_family == AF_INET)
			add(r->doctor, ((const struct sockaddr_in *)(void *)ai->ai_addr)->sin_addr);
	}
	uv_freeaddrinfo(list);
	uv_close((uv_handle_t *)&r->timer, NULL);
}

static void on_late(uv_timer_t *timer)
{
	struct resolving *r = timer->data;

	r->late = true;
	uv_stop(timer->loop);
}

static void say_addresses(const struct doctor *d, const char *name)
{
	char text[DOCTOR_ADDRESSES * (INET_ADDRSTRLEN + 2)] = "", one[INET_ADDRSTRLEN];

	for (unsigned int i = 0; i < d->address_count; i++) {
		size_t len = strlen(text);

		inet_ntop(AF_INET, &d->addresses[i], one, sizeof(one));
		snprintf(text + len, sizeof(text) - len, "%s%s", i ? ", " : "", one);
	}
	output_step(&d->output, STEP_OK, "name", "%s is %s", name, text);
}

bool doctor_resolve(struct doctor *d)
{
	/* Static: a look-up that is late still writes to it. */
	static struct resolving r;
	struct addrinfo hints = { .ai_family = AF_INET, .ai_socktype = SOCK_STREAM };
	char name[200];
	const char *why;

	log_escape(name, sizeof(name), d->options.server, strlen(d->options.server));
	r = (struct resolving){ .doctor = d };
	r.request.data = r.timer.data = &r;
	uv_timer_init(&d->loop, &r.timer);
	r.status =
		uv_getaddrinfo(&d->loop, &r.request, on_resolved, d->options.server, NULL, &hints);
	if (r.status == 0) {
		uv_timer_start(&r.timer, on_late, RESOLVE_MS, 0);
	} else {
		r.done = true;
		uv_close((uv_handle_t *)&r.timer, NULL);
	}
	uv_run(&d->loop, UV_RUN_DEFAULT);
	d->resolving = !r.done;
	if (r.done && d->address_count) {
		say_addresses(d, name);
		return true;
	}
	why = r.late         ? "no name server answers within 10 s"
	      : r.status < 0 ? uv_strerror(r.status)
			     : "it has no IPv4 address";
	output_step(&d->output, STEP_BAD, "name", "%s: %s", name, why);
	findings_add(&d->findings, FINDING_RESOLVE, "%s: %s", name, why);
	return false;
}

/* "vendor "linux", host "local", firmware 1": what the server announced. */
static void peer_words(const struct control_start *s, char *out, size_t size)
{
	char vendor[140], host[140];

	log_escape(vendor, sizeof(vendor), s->vendor, strnlen(s->vendor, 64));
	log_escape(host, sizeof(host), s->host_name, strnlen(s->host_name, 64));
	snprintf(out, size,
		"version %u.%u, vendor \"%s\", host \"%s\", firmware %u, framing %u, bearer %u, "
		"channels %u",
		(unsigned int)s->version >> 8, s->version & 0xffu, vendor, host, s->firmware,
		s->framing, s->bearer, s->max_channels);
}

static void icmp_words(const struct gre_icmp *icmp, char *out, size_t size)
{
	char from[INET_ADDRSTRLEN];

	out[0] = '\0';
	if (!icmp->seen)
		return;
	inet_ntop(AF_INET, &icmp->from, from, sizeof(from));
	snprintf(out, size, "; %s says by ICMP: %s", from, gre_icmp_text(icmp->type, icmp->code));
}

void doctor_refused(struct doctor *d, const struct probe *p, const char *step)
{
	struct control_message m = { .type = CONTROL_OUTGOING_CALL_REPLY };
	enum finding_id id = finding_of_reason(p->reason);
	char address[INET_ADDRSTRLEN], said[160] = "", icmp[100] = "";
	bool blocked;

	if (p->has_reply) {
		m.outgoing_reply = p->reply;
		control_message_outcome(&m, said, sizeof(said));
	} else if (p->has_peer) {
		m.type = CONTROL_START_REPLY;
		m.start = p->peer;
		control_message_outcome(&m, said, sizeof(said));
	}
	if (p->has_peer && p->peer.result == CONTROL_START_BAD_VERSION)
		id = FINDING_CONTROL_VERSION;
	if (id == FINDING_CONTROL_SILENT && p->has_peer)
		id = FINDING_CALL_SILENT;
	blocked = id == FINDING_TCP_FILTERED && d->local.tcp_out[0];
	if (!p->established_after)
		icmp_words(&p->watch->tcp_icmp, icmp, sizeof(icmp));
	inet_ntop(AF_INET, &p->server, address, sizeof(address));
	if (id == FINDING_NONE)
		id = FINDING_CONTROL_LOST;
	output_step(&d->output, STEP_BAD, step, "%s: %s%s%s%s", address,
		pptp_reason_text(p->reason), *p->detail ? ": " : "", p->detail, icmp);
	findings_add(&d->findings, id, "%s: %s%s%s%s%s%s%s", address, pptp_reason_text(p->reason),
		*p->detail ? ": "
		: *said    ? ": "
			   : "",
		*p->detail ? p->detail : said, icmp,
		p->established_after && !p->ops ? " (TCP itself opens)" : "",
		blocked ? "; a rule of this machine's firewall may be it: " : "",
		blocked ? d->local.tcp_out : "");
}

/* TCP does not open, and packets for the server go into a tunnel: that is why. */
static bool looped(struct doctor *d, const struct probe *p)
{
	char address[INET_ADDRSTRLEN];

	if (!d->local.into_tunnel || p->established_after ||
		(p->reason != PPTP_TCP_TIMEOUT && p->reason != PPTP_TCP_UNREACHABLE))
		return false;
	inet_ntop(AF_INET, &p->server, address, sizeof(address));
	output_step(&d->output, STEP_BAD, "tcp", "%s: %s", address, pptp_reason_text(p->reason));
	findings_add(&d->findings, FINDING_ROUTE_LOOP,
		"the route to %s leads into the tunnel device %s, and nothing answers there",
		address, d->local.device);
	return true;
}

static bool reach_one(struct doctor *d, struct in_addr address)
{
	char text[INET_ADDRSTRLEN], words[400];
	struct probe p = { .loop = &d->loop,
		.options = &d->options,
		.watch = &d->watch,
		.server = address,
		.limit = START_TIME };

	inet_ntop(AF_INET, &address, text, sizeof(text));
	local_look(&d->local, address, &d->output);
	watch_server(&d->watch, address);
	if (probe_run(&p) < 0) {
		findings_add(&d->findings, FINDING_MACHINE, "%s", p.why);
		return false;
	}
	if (p.established_after) {
		peer_words(&p.peer, words, sizeof(words));
		output_step(&d->output, STEP_OK, "tcp", "%s: port 1723 is open", text);
		output_step(&d->output, STEP_OK, "control", "%s (%.1f ms): %s", text,
			(double)p.established_after / 1000, words);
		return true;
	}
	if (!looped(d, &p))
		doctor_refused(d, &p,
			p.reason == PPTP_TCP_REFUSED || p.reason == PPTP_TCP_TIMEOUT ||
					p.reason == PPTP_TCP_UNREACHABLE
				? "tcp"
				: "control");
	return false;
}

bool doctor_reach(struct doctor *d)
{
	struct local local;
	bool found = false;

	for (unsigned int i = 0; i < d->address_count; i++) {
		bool good = reach_one(d, d->addresses[i]);

		if (!good || found)
			continue;
		found = true;
		d->server = d->addresses[i];
		local = d->local;
	}
	if (!found)
		return false;
	d->local = local;
	inet_ntop(AF_INET, &d->server, d->server_text, sizeof(d->server_text));
	if (d->local.other_client)
		findings_add(&d->findings, FINDING_OTHER_CLIENT,
			"a program of this machine already has a GRE socket with %s",
			d->server_text);
	watch_server(&d->watch, d->server);
	return true;
}
