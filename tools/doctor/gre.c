/* Where GRE stays: see gre.h. */
#include "tools/doctor/gre.h"

#include <arpa/inet.h>
#include <inttypes.h>
#include <stdarg.h>

const char *gre_icmp_text(uint8_t type, uint8_t code)
{
	static const char *const codes[] = { "network unreachable", "host unreachable",
		"protocol unreachable", "port unreachable", "fragmentation needed",
		"source route failed", "network unknown", "host unknown", "source host isolated",
		"network administratively prohibited", "host administratively prohibited",
		"network unreachable for this type of service",
		"host unreachable for this type of service",
		"communication administratively prohibited", "host precedence violation",
		"precedence cut-off in effect" };

	if (type == 3 && code < sizeof(codes) / sizeof(codes[0]))
		return codes[code];
	return type == 11 ? "time to live exceeded" : "an error";
}

static void words(char *evidence, const char *rule, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

static void words(char *evidence, const char *rule, const char *format, ...)
{
	va_list ap;
	int n;

	va_start(ap, format);
	n = vsnprintf(evidence, FINDING_EVIDENCE, format, ap);
	va_end(ap);
	if (rule && *rule && n > 0 && n < FINDING_EVIDENCE)
		snprintf(evidence + n, (size_t)(FINDING_EVIDENCE - n), "; the rule: %s", rule);
}

static enum finding_id nothing_came(const struct gre_evidence *e, char *evidence)
{
	char from[INET_ADDRSTRLEN];

	if (e->icmp.seen) {
		inet_ntop(AF_INET, &e->icmp.from, from, sizeof(from));
		words(evidence, NULL, "%s answers our GRE packets with ICMP \"%s\"", from,
			gre_icmp_text(e->icmp.type, e->icmp.code));
		return FINDING_GRE_UNREACHABLE;
	}
	if (e->nat) {
		words(evidence, NULL,
			"%" PRIu64 " GRE packets left this machine, whose address is a private one "
			"(there is NAT on the way), none came back",
			e->left);
		return FINDING_NAT_HELPER;
	}
	words(evidence, NULL, "%" PRIu64 " GRE packets left this machine, none came back",
		e->watched ? e->left : e->sent);
	return FINDING_GRE_NONE;
}

/* They came, but not to this program. */
static enum finding_id not_delivered(const struct gre_evidence *e, char *evidence)
{
	if (e->rp_filter) {
		words(evidence, NULL,
			"%" PRIu64
			" GRE packets of the server arrived at %s, the way to it is by %s, "
			"and %s has rp_filter = 1",
			e->arrived, e->in_device, e->out_device, e->in_device);
		return FINDING_RP_FILTER;
	}
	words(evidence, e->rule_in,
		"%" PRIu64 " GRE packets of the server arrived at %s, none got to this program",
		e->arrived, e->in_device[0] ? e->in_device : "this machine");
	return FINDING_GRE_LOCAL_IN;
}

enum finding_id gre_judge(const struct gre_evidence *e, char *evidence)
{
	evidence[0] = '\0';
	if (e->answered)
		return FINDING_NONE;
	if (e->watched && e->sent && !e->left) {
		words(evidence, e->rule_out,
			"this program has sent %" PRIu64 " GRE packets, none left the machine",
			e->sent);
		return FINDING_GRE_LOCAL_OUT;
	}
	if (!e->delivered && !e->arrived && e->strangers) {
		words(evidence, NULL,
			"%" PRIu64 " GRE packets of the server carry the Call ID %u; ours is %u",
			e->strangers, e->strange_id, e->call_id);
		return FINDING_GRE_WRONG_CALL_ID;
	}
	if (!e->delivered && !e->arrived)
		return nothing_came(e, evidence);
	if (!e->delivered)
		return not_delivered(e, evidence);
	if (!e->acked && e->heard && e->icmp.seen)
		return nothing_came(e, evidence);
	if (!e->acked && e->heard) {
		words(evidence, NULL,
			"%" PRIu64
			" GRE packets of the server came, and none of them acknowledges or "
			"answers one of our %" PRIu64,
			e->delivered, e->watched ? e->left : e->sent);
		return FINDING_GRE_OUTBOUND;
	}
	if (!e->heard) {
		words(evidence, NULL,
			"the server's GRE packets come and acknowledge ours, but none has LCP in "
			"it");
		return FINDING_LCP_SILENT;
	}
	words(evidence, NULL,
		"the server sends LCP requests and acknowledges our packets, but answers no LCP "
		"request "
		"of ours");
	return FINDING_LCP_FAILED;
}
