/* A call that shows no name and no password: GRE, LCP, what authentication the server has. See steps.h. */
#include "tools/doctor/steps.h"

#include <net/if.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define GRE_TIME      8000000ull /* us after the reply until an answer must have come through GRE */
#define SOON          3000000ull /* us: a call that breaks off before says nothing about GRE */
#define CALL_TIME     45000000ull /* us for one call */
#define SECOND_CHANCE 2           /* s */
#define CALLS_MAX     6

static struct line *offer_line(struct probe *p)
{
	struct doctor *d = p->owner;

	return offer_next(&d->offer);
}

static void on_tick(struct probe *p, uint64_t now)
{
	if (now - p->connected_at > GRE_TIME && !p->said.lcp_answered)
		probe_stop(p);
	/* LCP itself gives up after ten requests; a server that only refuses is not worth so long. */
	else if (now - p->connected_at > 3 * GRE_TIME)
		probe_stop(p);
}

static const struct probe_ops offer_ops = { .line = offer_line, .tick = on_tick };

static void gather(const struct doctor *d, const struct probe *p, struct gre_evidence *e)
{
	char *in = e->in_device;

	memset(e, 0, sizeof(*e));
	probe_gre(p, e);
	e->nat = d->local.nat;
	if (d->local.other_client)
		e->strangers = 0; /* they may well be that one's */
	e->rule_in = d->local.gre_in;
	e->rule_out = d->local.gre_out;
	snprintf(e->out_device, sizeof(e->out_device), "%s", d->local.device);
	if (!d->watch.in_ifindex || !if_indextoname(d->watch.in_ifindex, in))
		in[0] = '\0';
	e->rp_filter = in[0] && strcmp(in, e->out_device) != 0 && local_rp_filter(in);
}

/* true: it passes. */
static bool judge_gre(struct doctor *d, const struct probe *p)
{
	char evidence[FINDING_EVIDENCE];
	struct gre_evidence e;
	enum finding_id id;

	gather(d, p, &e);
	id = gre_judge(&e, evidence);
	if (id == FINDING_NONE) {
		output_step(&d->output, STEP_OK, "gre", "passes both ways");
		output_step(&d->output, STEP_OK, "lcp", "the server answers");
		return true;
	}
	output_step(&d->output, STEP_BAD,
		id == FINDING_LCP_SILENT || id == FINDING_LCP_FAILED ? "lcp" : "gre", "%s",
		finding_kind(id)->title);
	findings_add(&d->findings, id, "%s", evidence);
	return false;
}

/* The call came about; did it last long enough to tell anything? */
static bool broke_off(struct doctor *d, const struct probe *p)
{
	struct control_message m = { .type = CONTROL_CALL_DISCONNECT_NOTIFY };
	char said[160] = "";

	if (p->said.lcp_answered || !p->reason || p->reason == PPTP_LOCAL_REQUEST ||
		p->ended_after - p->connected_after > SOON)
		return false;
	if (p->has_disconnect) {
		m.disconnect = p->disconnect;
		control_message_outcome(&m, said, sizeof(said));
	}
	output_step(&d->output, STEP_BAD, "call", "the server ends it at once: %s", said);
	findings_add(&d->findings, FINDING_LINK_LOST,
		"the server ends the call %.1f s after it began%s%s",
		(double)(p->ended_after - p->connected_after) / 1e6, *said ? ": " : "", said);
	return true;
}

static bool looped_back(struct doctor *d, const struct probe *p)
{
	if (p->reason != PPTP_LCP_LOOPBACK)
		return false;
	output_step(&d->output, STEP_BAD, "lcp", "%s", finding_kind(FINDING_LCP_LOOPBACK)->title);
	findings_add(&d->findings, FINDING_LCP_LOOPBACK,
		"what comes back in LCP is what was sent, magic number and all");
	return true;
}

int doctor_place(struct doctor *d, struct probe *p)
{
	const struct probe fresh = *p;
	int r = probe_run(p);

	if (r < 0 || p->connected || (p->reason != PPTP_TCP_CLOSED && p->reason != PPTP_TCP_ERROR))
		return r;
	output_step(&d->output, STEP_NOTE, "call",
		"the server closes this connection, though not the one before; again in %d s",
		SECOND_CHANCE);
	sleep(SECOND_CHANCE);
	*p = fresh;
	return probe_run(p);
}

static bool call_once(struct doctor *d, bool first)
{
	struct probe p = { .loop = &d->loop,
		.options = &d->options,
		.ops = &offer_ops,
		.owner = d,
		.watch = &d->watch,
		.server = d->server,
		.limit = CALL_TIME };

	if (doctor_place(d, &p) < 0) {
		bool permission = strstr(p.why, "permission") != NULL;

		output_step(&d->output, STEP_BAD, "gre", "%s", p.why);
		findings_add(&d->findings, permission ? FINDING_PERMISSION : FINDING_MACHINE, "%s",
			p.why);
		return false;
	}
	if (!first)
		return p.connected; /* the first has told all of this */
	if (!p.connected) {
		doctor_refused(d, &p, p.established_after ? "call" : "control");
		return false;
	}
	output_step(&d->output, STEP_OK, "call",
		"the server's reply: connected, %u bit/s, window %u, its Call ID %u",
		p.reply.connect_speed, p.reply.window, p.reply.call_id);
	return !broke_off(d, &p) && judge_gre(d, &p) && !looped_back(d, &p);
}

/* Is one of ours among the server's? */
static bool in_common(const struct doctor *d)
{
	const struct ppp_auth_list *ours = &d->options.session.link.auth;

	for (unsigned int i = 0; i < ours->count; i++) {
		enum ppp_auth_method method = ours->methods[i];

		if (ppp_auth_is_eap(method))
			method = PPP_AUTH_EAP_MSCHAP2; /* EAP as such, to LCP */
		if (d->offer.offered & 1u << method)
			return true;
	}
	return false;
}

static void our_words(const struct doctor *d, char *out, size_t size)
{
	const struct ppp_auth_list *ours = &d->options.session.link.auth;

	out[0] = '\0';
	for (unsigned int i = 0; i < ours->count; i++) {
		size_t len = strlen(out);

		snprintf(out + len, size - len, "%s%s", i ? ", " : "",
			ppp_auth_name(ours->methods[i]));
	}
}

static bool judge_offer(struct doctor *d)
{
	char words[200], ours[120];

	offer_words(&d->offer, words, sizeof(words));
	if (d->offer.asks_none) {
		output_step(&d->output, STEP_BAD, "authentication", "the server asks for none");
		findings_add(&d->findings, FINDING_AUTH_NOT_ASKED,
			"LCP was agreed on without any authentication");
		return false;
	}
	if (!d->offer.demanded) {
		output_step(&d->output, STEP_BAD, "lcp", "the server sends no request of its own");
		findings_add(&d->findings, FINDING_LCP_FAILED,
			"the server answers our LCP requests, but sends none of its own");
		return false;
	}
	if (!offer_complete(&d->offer) || in_common(d)) {
		output_step(&d->output, STEP_OK, "authentication", "the server has: %s%s", words,
			offer_complete(&d->offer) ? "" : " (there may be more)");
		return true;
	}
	our_words(d, ours, sizeof(ours));
	output_step(&d->output, STEP_BAD, "authentication", "the server has: %s; allowed here: %s",
		words, ours);
	findings_add(&d->findings, FINDING_AUTH_NO_METHOD, "the server has %s; allowed here: %s",
		words, ours);
	return false;
}

bool doctor_call(struct doctor *d)
{
	for (unsigned int i = 0; i < CALLS_MAX && !offer_complete(&d->offer); i++) {
		unsigned int before = d->offer.tried;

		if (!call_once(d, i == 0)) {
			if (i == 0)
				return false;
			break;
		}
		if (i && before == d->offer.tried)
			break; /* nothing new comes of it */
	}
	d->security.offered = d->offer.offered;
	d->security.offers_none = d->offer.asks_none;
	return judge_offer(d);
}
