/* The whole way, with a password: see steps.h. */
#include "tools/doctor/steps.h"

#include "system/clock.h"
#include "system/path.h"

#include <arpa/inet.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define LOGON_TIME    90000000ull /* us; --throughput comes on top */
#define SECOND_CHANCE 2           /* s */
#define OUT_OF_STEP   5u          /* packets: a few are lost with what was lost on the way */
#define OUTER         44u         /* IP 20, GRE 16, PPP 4, MPPE 4 */

static void on_up(struct probe *p)
{
	struct doctor *d = p->owner;

	measure_begin(&d->measure, p, clock_now());
}

static void on_tick(struct probe *p, uint64_t now)
{
	struct doctor *d = p->owner;

	if (p->was_up)
		measure_tick(&d->measure, p, now);
}

static void on_inner(struct probe *p, const uint8_t *packet, size_t len)
{
	struct doctor *d = p->owner;

	if (p->was_up)
		measure_inner(&d->measure, p, packet, len);
}

static void on_frame(struct probe *p, uint16_t protocol, const uint8_t *data, size_t len)
{
	struct doctor *d = p->owner;

	if (p->was_up)
		measure_frame(&d->measure, p, protocol, data, len);
}

static const struct probe_ops logon_ops = {
	.tick = on_tick,
	.up = on_up,
	.frame = on_frame,
	.inner = on_inner,
};

/* It did not come up. */
static void judge_failure(struct doctor *d, const struct probe *p)
{
	char evidence[FINDING_EVIDENCE];
	enum finding_id id =
		said_judge(&p->said, p->reason, p->detail, &d->options.session.link.mppe, evidence);

	if (!p->connected) {
		doctor_refused(d, p, "call");
		return;
	}
	if (id == FINDING_NONE)
		id = FINDING_LINK_ENDED;
	if (p->info.auth[0] || p->said.auth_succeeded)
		output_step(&d->output, STEP_OK, "logon", "%s: accepted",
			p->info.auth[0] ? p->info.auth : "authentication");
	output_step(&d->output, STEP_BAD,
		p->said.auth_succeeded ? (p->info.tx_encrypted ? "ipcp" : "encryption") : "logon",
		"%s", finding_kind(id)->title);
	findings_add(&d->findings, id, "%s", evidence);
}

static void say_network(struct doctor *d, const struct probe *p)
{
	const struct ppp_network *net = &p->info.net;
	char local[INET_ADDRSTRLEN], remote[INET_ADDRSTRLEN], dns[INET_ADDRSTRLEN] = "none";

	inet_ntop(AF_INET, &net->local, local, sizeof(local));
	inet_ntop(AF_INET, &net->remote, remote, sizeof(remote));
	if (net->dns[0])
		inet_ntop(AF_INET, &net->dns[0], dns, sizeof(dns));
	output_step(&d->output, STEP_OK, "address", "%s, the server's %s, name server %s%s", local,
		remote, dns,
		net->remote == d->server.s_addr ? " (the server's outer address is the inner one, "
						  "too: it needs a host route)"
						: "");
}

static void say_up(struct doctor *d, const struct probe *p)
{
	output_step(&d->output, STEP_OK, "logon", "%s: accepted", p->info.auth);
	if (p->info.tx_encrypted)
		output_step(&d->output, STEP_OK, "encryption", "MPPE with %d bits, %s",
			(int)p->info.mppe.bits, p->info.mppe.stateless ? "stateless" : "stateful");
	else
		output_step(&d->output, STEP_NOTE, "encryption", "none");
	say_network(d, p);
	d->logged_on = true;
	d->security.negotiated = true;
	d->security.mppe_bits = p->info.tx_encrypted ? (unsigned int)p->info.mppe.bits : 0;
	d->security.stateless = p->info.mppe.stateless;
	for (int i = PPP_AUTH_PAP; i < PPP_AUTH_COUNT; i++) {
		if (!strcmp(ppp_auth_name((enum ppp_auth_method)i), p->info.auth))
			d->security.auth = (enum ppp_auth_method)i;
	}
}

/* Packets came, and few of them could be decrypted. */
static bool out_of_step(struct doctor *d, const struct probe *p)
{
	const struct tunnel_stats *t = &p->stats;
	uint64_t bad = t->drops[TUNNEL_DROP_MPPE_BAD] + t->drops[TUNNEL_DROP_MPPE_WAIT] +
		       t->drops[TUNNEL_DROP_MPPE_OLD];

	if (bad < OUT_OF_STEP || bad < t->rx_packets)
		return false;
	output_step(
		&d->output, STEP_BAD, "encryption", "what the server encrypts cannot be decrypted");
	findings_add(&d->findings, FINDING_MPPE_DESYNC,
		"of the server's encrypted packets %" PRIu64
		" could not be decrypted, or came with a wrong count; %" PRIu64 " could",
		bad, t->rx_packets);
	return true;
}

static void judge_pings(struct doctor *d)
{
	const struct measure *m = &d->measure;
	unsigned int lost = m->sent - m->answered;
	const char *what = m->by_lcp ? "LCP echoes" : "pings";

	if (!m->answered) {
		output_step(&d->output, STEP_BAD, "ping", "nothing is answered in the tunnel");
		findings_add(&d->findings, FINDING_DATA_SILENT,
			"pings for three seconds, then %u echoes of LCP: no answer", m->sent);
		return;
	}
	if (m->by_lcp)
		output_step(&d->output, STEP_NOTE, "ping",
			"the server's inner address does not answer pings (its firewall?); PPP's "
			"echoes are used");
	output_step(&d->output, lost > 1 && lost * 20 >= m->sent ? STEP_BAD : STEP_OK, "ping",
		"%u of %u %s answered, round trip %.2f/%.2f/%.2f ms (least, mean, most), %u out of "
		"order",
		m->answered, m->sent, what, (double)m->rtt_min / 1000,
		(double)m->rtt_sum / m->answered / 1000, (double)m->rtt_max / 1000, m->reordered);
	if (lost > 1 && lost * 20 >= m->sent)
		findings_add(&d->findings, FINDING_LOSS, "%u of %u %s were not answered", lost,
			m->sent, what);
	if (m->reordered > 1)
		findings_add(&d->findings, FINDING_REORDER, "%u of %u answers came out of order",
			m->reordered, m->sent);
}

static void judge_size(struct doctor *d, const struct probe *p)
{
	const struct measure *m = &d->measure;
	int path = path_mtu(d->server, p->session_local);

	if (!m->size_wanted || m->stage == MEASURE_SIZE)
		return;
	if (m->size_passed >= m->size_wanted) {
		output_step(&d->output, STEP_OK, "size",
			"packets of %u octets pass, the largest that the tunnel sends (MRU %u, the "
			"server's %u; the outer path: %d)",
			m->size_passed, p->info.mru, p->info.peer_mru, path);
		return;
	}
	output_step(&d->output, STEP_BAD, "size",
		"packets of %u octets pass, of %u do not; the kernel believes in a path of %d",
		m->size_passed, m->size_wanted, path);
	findings_add(&d->findings, FINDING_MTU_BLACKHOLE,
		"inner packets of up to about %u octets (%u on the wire) are answered, of %u (%u) "
		"not; "
		"nobody told this machine, which believes that the path carries %d",
		m->size_passed, m->size_passed + OUTER, m->size_wanted, m->size_wanted + OUTER,
		path);
}

static void measured_json(const struct doctor *d, const struct probe *p)
{
	const struct measure *m = &d->measure;
	json_t *o = json_object();

	json_object_set_new(o, "auth", json_string(p->info.auth));
	json_object_set_new(o, "mppe_bits", json_integer(d->security.mppe_bits));
	json_object_set_new(o, "pings_sent", json_integer(m->sent));
	json_object_set_new(o, "pings_answered", json_integer(m->answered));
	json_object_set_new(o, "reordered", json_integer(m->reordered));
	json_object_set_new(
		o, "rtt_ms", json_real(m->answered ? (double)m->rtt_sum / m->answered / 1000 : 0));
	json_object_set_new(o, "largest_passed", json_integer(m->size_passed));
	json_object_set_new(o, "largest_wanted", json_integer(m->size_wanted));
	json_object_set_new(o, "mru", json_integer(p->info.mru));
	json_object_set_new(o, "peer_mru", json_integer(p->info.peer_mru));
	if (d->options.throughput)
		json_object_set_new(o, "throughput_mbits", json_real(m->mbits));
	output_event("measured", o);
}

bool doctor_logon(struct doctor *d)
{
	struct probe p = { .loop = &d->loop,
		.options = &d->options,
		.ops = &logon_ops,
		.owner = d,
		.watch = &d->watch,
		.server = d->server,
		.limit = LOGON_TIME + d->options.throughput * 1000000ull };

	if (doctor_place(d, &p) < 0) {
		findings_add(&d->findings, FINDING_MACHINE, "%s", p.why);
		return false;
	}
	if (!p.was_up) {
		judge_failure(d, &p);
		return false;
	}
	say_up(d, &p);
	if (p.reason) {
		output_step(&d->output, STEP_BAD, "tunnel", "it broke off: %s",
			pptp_reason_text(p.reason));
		findings_add(&d->findings,
			p.reason == PPTP_MPPE_DESYNC ? FINDING_MPPE_DESYNC : FINDING_LINK_LOST,
			"the tunnel was up, then: %s%s%s", pptp_reason_text(p.reason),
			*p.detail ? ": " : "", p.detail);
		return false;
	}
	if (!out_of_step(d, &p)) {
		judge_pings(d);
		judge_size(d, &p);
	}
	if (d->measure.mbits > 0)
		output_step(&d->output, STEP_OK, "throughput", "%.1f Mbit/s each way, at once",
			d->measure.mbits);
	if (d->output.json)
		measured_json(d, &p);
	return true;
}
