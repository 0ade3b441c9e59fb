/* The table of findings, and lists of them: see finding.h. */
#include "tools/doctor/finding.h"

#include <stdarg.h>
#include <string.h>

#define NAT_REMEDY                                                                                 \
	"switch the router's \"PPTP pass-through\" on (Linux: nf_conntrack_pptp and nf_nat_pptp, " \
	"with a \"ct helper\" rule for TCP 1723), or connect from a network without that router"

static const struct finding_kind kinds[FINDING_COUNT] = {
	[FINDING_NONE] = { "none", FINDING_MINOR, 0, "nothing", "", "" },
	[FINDING_RESOLVE] = { "name-not-resolved", FINDING_FATAL, 868,
		"the server's name has no IPv4 address",
		"the name is wrong, or this machine's name servers do not know it; PPTP needs IPv4",
		"check the name, and the name servers of this machine; or try the server's "
		"address" },
	[FINDING_ROUTE_LOOP] = { "route-loop", FINDING_FATAL, 800,
		"the way to the server leads into a tunnel",
		"a route of this machine sends packets for the server into a tunnel device, most "
		"often "
		"that of a tunnel to this very server: the tunnel's own packets go round in "
		"circles",
		"give the server a host route by the real network (ip route add SERVER via "
		"GATEWAY), "
		"or take the route into the tunnel away" },
	[FINDING_UNREACHABLE] = { "unreachable", FINDING_FATAL, 800,
		"there is no way to the server",
		"this machine has no route, or a router on the way says that it cannot or may not "
		"forward",
		"check this machine's network and default route, then the router that is named" },
	[FINDING_TCP_REFUSED] = { "tcp-refused", FINDING_FATAL, 800, "TCP port 1723 is closed",
		"the machine is there and answers, but no PPTP server listens on it, or a firewall "
		"answers in its place",
		"start the PPTP server; check the address it listens on, and port forwardings to "
		"it" },
	[FINDING_TCP_FILTERED] = { "tcp-filtered", FINDING_FATAL, 800,
		"nothing answers at TCP port 1723",
		"a firewall drops the packets, or the server is down",
		"let TCP port 1723 through the firewalls on the way to the server, and see whether "
		"it "
		"runs" },
	[FINDING_CONTROL_SILENT] = { "control-silent", FINDING_FATAL, 800,
		"TCP opens, but no PPTP answer comes",
		"something takes the connection (a proxy, a firewall, a hung server) and does not "
		"speak PPTP",
		"see what listens at that port; restart the PPTP server" },
	[FINDING_NOT_PPTP] = { "not-pptp", FINDING_FATAL, 800,
		"what listens at TCP port 1723 does not speak PPTP",
		"another service has the port, or the server breaks the protocol",
		"check which program listens at TCP port 1723 of the server" },
	[FINDING_CONTROL_VERSION] = { "control-version", FINDING_FATAL, 800,
		"the server wants another version of PPTP",
		"there is only version 1.0 (RFC 2637): the server is no usual one",
		"update the server" },
	[FINDING_CONTROL_REFUSED] = { "control-refused", FINDING_FATAL, 800,
		"the server refuses the control connection",
		"the server allows no connection from this address, or no more of them",
		"see the server's log, its list of allowed peers, and its limits" },
	[FINDING_CONTROL_LOST] = { "control-lost", FINDING_FATAL, 800,
		"the control connection breaks off",
		"the server closes the TCP connection without a word, or a box on the way does: a "
		"limit of the server, a crash, a firewall that looks into PPTP",
		"see the server's log at that time, and firewalls that inspect PPTP" },
	[FINDING_CALL_REFUSED] = { "call-refused", FINDING_FATAL, 619,
		"the server refuses the call",
		"the server speaks PPTP, but gives this client no call: no free port, no "
		"permission, "
		"or a fault of its own",
		"see the server's log; free ports there, or raise its number of connections" },
	[FINDING_CALL_BUSY] = { "call-busy", FINDING_FATAL, 676, "the server is busy",
		"all lines or ports of the server are in use",
		"try again later, or give it more ports" },
	[FINDING_CALL_LINE] = { "call-line", FINDING_FATAL, 678,
		"the server's telephone line does not come about",
		"the server is a PAC with lines: carrier, dial tone or answer is missing",
		"check number and line at the server" },
	[FINDING_GRE_LOCAL_OUT] = { "gre-local-out", FINDING_FATAL, 806,
		"this machine's firewall does not let GRE out",
		"IP protocol 47 (GRE) carries everything in PPTP; packets that this machine sends "
		"never "
		"leave it",
		"allow protocol 47 in the output chain (nftables: ip protocol gre accept)" },
	[FINDING_GRE_LOCAL_IN] = { "gre-local-in", FINDING_FATAL, 806,
		"this machine's firewall does not let GRE in",
		"the server's packets of IP protocol 47 (GRE) reach this machine, and are dropped "
		"here",
		"allow protocol 47 from the server in the input chain (nftables: ip protocol gre "
		"accept)" },
	[FINDING_RP_FILTER] = { "rp-filter", FINDING_FATAL, 806,
		"reverse-path filtering drops the server's GRE packets",
		"they come in by another interface than the one that leads to the server; with "
		"rp_filter = 1 the kernel drops such packets",
		"set net.ipv4.conf.INTERFACE.rp_filter = 2 (and all.rp_filter not to 1), or mend "
		"the "
		"routes" },
	[FINDING_GRE_UNREACHABLE] = { "gre-unreachable", FINDING_FATAL, 806,
		"GRE is turned away with an ICMP message",
		"a router, a firewall or the server itself says that it does not take IP protocol "
		"47",
		"allow protocol 47 at the machine that sends the message" },
	[FINDING_GRE_WRONG_CALL_ID] = { "gre-wrong-call-id", FINDING_FATAL, 806,
		"GRE packets come with a wrong Call ID",
		"a NAT router has rewritten the Call ID in the control connection and not in GRE "
		"(or "
		"the other way round), or the server mixes calls up: nobody knows whose they are",
		"update the router or change its PPTP support (ALG); with two clients behind one "
		"router "
		"try one alone" },
	[FINDING_NAT_HELPER] = { "nat-no-helper", FINDING_FATAL, 806,
		"GRE does not come through the NAT router",
		"this machine is behind NAT, and no GRE packet of the server comes back: the "
		"router "
		"has no PPTP support, or it is off",
		NAT_REMEDY },
	[FINDING_GRE_NONE] = { "gre-none", FINDING_FATAL, 806, "no GRE packet comes back at all",
		"a firewall on the way or at the server drops IP protocol 47 (coming here, or both "
		"ways); "
		"opening TCP 1723 alone is not enough",
		"allow IP protocol 47 (it is no port) in both directions on all firewalls between "
		"here "
		"and the server" },
	[FINDING_GRE_OUTBOUND] = { "gre-outbound", FINDING_FATAL, 806,
		"GRE passes one way only: not from here to the server",
		"the server's packets come here, ours leave this machine and never reach the "
		"server",
		"allow IP protocol 47 towards the server on the firewalls between here and there, "
		"the "
		"server's own included" },
	[FINDING_LCP_SILENT] = { "lcp-silent", FINDING_FATAL, 721,
		"GRE passes, but the server never begins PPP",
		"the server acknowledges our packets and answers no LCP: its PPP part does not run "
		"(pppd missing or failing at its options, service hung)",
		"see the server's PPP log; try its pppd by hand with the same options" },
	[FINDING_LCP_FAILED] = { "lcp-failed", FINDING_FATAL, 732, "no agreement on LCP",
		"both ends go on refusing each other's link options, or the negotiation is not "
		"finished "
		"in time",
		"compare the PPP options of both ends (authentication, MRU, multilink, callback)" },
	[FINDING_LCP_LOOPBACK] = { "lcp-loopback", FINDING_FATAL, 737, "the link is looped back",
		"what is sent comes back as it was: a box on the way or the server mirrors packets",
		"look for a loop in the server's lines or forwardings" },
	[FINDING_LINK_ENDED] = { "link-ended", FINDING_FATAL, 734,
		"the server ends the PPP link while it is being set up",
		"the server gave up; its reason, if it gave one, is in the evidence",
		"see the server's log at that time" },
	[FINDING_LINK_LOST] = { "link-lost", FINDING_FATAL, 619, "the call breaks off",
		"the server or something on the way ended a call that was on its way",
		"see the server's log at that time" },
	[FINDING_AUTH_NO_METHOD] = { "no-common-authentication", FINDING_FATAL, 734,
		"no method of authentication that both ends allow",
		"the server insists on methods that are not allowed here (newer Windows: error "
		"919)",
		"allow MS-CHAPv2 at the server; or, knowing what it costs, the server's method "
		"here "
		"(--auth)" },
	[FINDING_AUTH_NOT_ASKED] = { "authentication-not-asked", FINDING_FATAL, 919,
		"the server asks for no authentication",
		"so it proves nothing, and there are no keys for encryption: it is open to "
		"everybody, or "
		"it is not the server that it should be",
		"set the server to MS-CHAPv2; do not use it as it is" },
	[FINDING_AUTH_WRONG] = { "wrong-password", FINDING_FATAL, 691,
		"wrong user name or password",
		"the server does not know the name, or its password is another one (E=691)",
		"check name, domain (DOMAIN\\user) and password; too many tries may lock the "
		"account" },
	[FINDING_AUTH_HOURS] = { "logon-hours", FINDING_FATAL, 646,
		"the account may not log on at this time",
		"the account has restricted hours (E=646)", "change the account's hours, or wait" },
	[FINDING_AUTH_DISABLED] = { "account-disabled", FINDING_FATAL, 647,
		"the account is disabled", "it is switched off or locked (E=647)",
		"have the administrator enable or unlock it" },
	[FINDING_AUTH_EXPIRED] = { "password-expired", FINDING_FATAL, 648,
		"the password has expired", "the server wants a new one first (E=648)",
		"change it: greyline connect --new-password-file FILE" },
	[FINDING_AUTH_NO_DIALIN] = { "no-dial-in", FINDING_FATAL, 649,
		"the account has no permission to dial in",
		"name and password are right, remote access is not allowed (E=649)",
		"have the administrator allow remote access for the account" },
	[FINDING_AUTH_CHANGE] = { "password-change", FINDING_FATAL, 709,
		"the password could not be changed",
		"the new one does not fit the server's rules (E=709)", "choose another one" },
	[FINDING_AUTH_RESTRICTED] = { "account-restricted", FINDING_FATAL, 649,
		"the account may not log on", "the server knows the user and refuses all the same",
		"see the server's log" },
	[FINDING_AUTH_UNPROVEN] = { "server-unproven", FINDING_FATAL, 778,
		"the server did not prove that it knows the password",
		"a true server of MS-CHAPv2 can do that: this may be somebody else's",
		"do not use it; check the address, and who answers there" },
	[FINDING_AUTH_CERTIFICATE] = { "certificate", FINDING_FATAL, 798, "no agreement on TLS",
		"a certificate, this end's or the server's, was refused",
		"check validity, issuer and name of both certificates" },
	[FINDING_AUTH_TIMEOUT] = { "authentication-timeout", FINDING_FATAL, 718,
		"authentication is not finished in time",
		"the server goes silent in the midst of it: most often its RADIUS server or domain "
		"controller does not answer",
		"see the server's log, and what it asks for accounts" },
	[FINDING_AUTH_ENDED] = { "ended-at-logon", FINDING_FATAL, 734,
		"the server ends the link at the log-on without a verdict",
		"neither success nor failure came: the server refused for a reason of its own",
		"see the server's log at that time" },
	[FINDING_MPPE_NOT_OFFERED] = { "encryption-not-offered", FINDING_FATAL, 742,
		"encryption is required here, and the server has none",
		"the server refuses MPPE altogether: it is off there, or its PPP cannot do it with "
		"this "
		"method of authentication",
		"switch MPPE with 128 bits on at the server (pppd: require-mppe-128); or, knowing "
		"that "
		"all is in clear then, --mppe off here" },
	[FINDING_MPPE_STRENGTH] = { "encryption-strength", FINDING_FATAL, 742,
		"no strength of encryption that both ends allow",
		"the server has MPPE, but not of the strength or mode that is required here",
		"allow 128 bits, stateless, at the server; or its strength here (--mppe require)" },
	[FINDING_MPPE_REQUIRED] = { "encryption-required", FINDING_FATAL, 741,
		"the server requires encryption that is not allowed here",
		"the server ends the link without MPPE", "allow it here (--mppe require-128)" },
	[FINDING_MPPE_DESYNC] = { "encryption-out-of-step", FINDING_FATAL, 734,
		"encryption fell out of step",
		"the ends have different keys or counts, and could not mend it",
		"try stateless MPPE; update the end that is not greyline" },
	[FINDING_CCP_TIMEOUT] = { "ccp-unanswered", FINDING_FATAL, 742,
		"the negotiation of encryption is not finished",
		"the server does not answer CCP in time", "see the server's PPP options and log" },
	[FINDING_IPCP_FAILED] = { "ipcp-failed", FINDING_FATAL, 720, "no agreement on IP",
		"the server refuses IP in the tunnel",
		"see the server's IP settings for dial-in clients" },
	[FINDING_NO_ADDRESS] = { "no-address", FINDING_FATAL, 738, "the server gives no address",
		"the log-on is good, but there is no address for this client: the server's pool is "
		"empty or not configured, or its DHCP server does not answer",
		"enlarge the server's address pool, or end dead sessions there" },
	[FINDING_IPCP_TIMEOUT] = { "ipcp-unanswered", FINDING_FATAL, 720,
		"the negotiation of IP is not finished", "the server does not answer IPCP in time",
		"see the server's log" },
	[FINDING_DATA_SILENT] = { "data-silent", FINDING_MAJOR, 0,
		"the tunnel is up, but nothing in it is answered",
		"neither pings nor PPP's own echoes come back",
		"see whether encryption works (counters of both ends), and the server's routes" },
	[FINDING_MTU_BLACKHOLE] = { "mtu-black-hole", FINDING_MAJOR, 0,
		"large packets vanish on the way",
		"the path carries less than the kernel knows, and the ICMP messages that should "
		"say so "
		"are dropped: log-on and small pages work, downloads and shares hang",
		"let ICMP \"fragmentation needed\" through on the routers; or set a smaller MRU at "
		"both ends (greyline connect --set mru=N)" },
	[FINDING_LOSS] = { "loss", FINDING_MAJOR, 0, "packets are lost in the tunnel",
		"the path loses packets; TCP in the tunnel becomes slow",
		"check the line and its load (wireless, duplex, overloaded uplink)" },
	[FINDING_REORDER] = { "reordering", FINDING_MINOR, 0, "packets overtake each other",
		"the path changes their order; peers without a buffer drop the late ones",
		"look for load balancing by packet on the way" },
	[FINDING_PERMISSION] = { "permission", FINDING_FATAL, 0,
		"GRE cannot be tested without permission", "raw sockets need root or CAP_NET_RAW",
		"run it as root" },
	[FINDING_MACHINE] = { "machine", FINDING_FATAL, 0, "this machine cannot do it",
		"a system call failed, or memory or descriptors are missing", "see the evidence" },
	[FINDING_OTHER_CLIENT] = { "other-client", FINDING_MINOR, 0,
		"another PPTP client of this machine talks to the same server",
		"two of them behind one address can disturb each other, and some servers allow one "
		"only",
		"end the other one and try again" },
};

const struct finding_kind *finding_kind(enum finding_id id)
{
	return &kinds[(unsigned int)id < FINDING_COUNT ? id : FINDING_NONE];
}

const char *finding_weight_name(enum finding_weight weight)
{
	return weight == FINDING_FATAL ? "fatal" : weight == FINDING_MAJOR ? "major" : "minor";
}

enum finding_id finding_of_error(unsigned int error)
{
	switch (error) {
	case 646:
		return FINDING_AUTH_HOURS;
	case 647:
		return FINDING_AUTH_DISABLED;
	case 648:
		return FINDING_AUTH_EXPIRED;
	case 649:
		return FINDING_AUTH_NO_DIALIN;
	case 691:
		return FINDING_AUTH_WRONG;
	case 709:
		return FINDING_AUTH_CHANGE;
	default:
		return FINDING_AUTH_RESTRICTED;
	}
}

static const enum finding_id by_reason[PPTP_REASON_COUNT] = {
	[PPTP_PEER_REQUEST] = FINDING_LINK_LOST,
	[PPTP_ADMIN] = FINDING_LINK_LOST,
	[PPTP_SHUTDOWN] = FINDING_LINK_LOST,
	[PPTP_RESOLVE] = FINDING_RESOLVE,
	[PPTP_TCP_REFUSED] = FINDING_TCP_REFUSED,
	[PPTP_TCP_UNREACHABLE] = FINDING_UNREACHABLE,
	[PPTP_TCP_TIMEOUT] = FINDING_TCP_FILTERED,
	[PPTP_TCP_CLOSED] = FINDING_CONTROL_LOST,
	[PPTP_TCP_ERROR] = FINDING_CONTROL_LOST,
	[PPTP_CONTROL_MALFORMED] = FINDING_NOT_PPTP,
	[PPTP_CONTROL_UNEXPECTED] = FINDING_NOT_PPTP,
	[PPTP_CONTROL_TIMEOUT] = FINDING_CONTROL_SILENT,
	[PPTP_CONTROL_VERSION] = FINDING_CONTROL_VERSION,
	[PPTP_CONTROL_REFUSED] = FINDING_CONTROL_REFUSED,
	[PPTP_CONTROL_ECHO_TIMEOUT] = FINDING_CONTROL_LOST,
	[PPTP_CONTROL_COLLISION] = FINDING_CONTROL_REFUSED,
	[PPTP_CALL_REFUSED] = FINDING_CALL_REFUSED,
	[PPTP_CALL_BUSY] = FINDING_CALL_BUSY,
	[PPTP_CALL_NO_CARRIER] = FINDING_CALL_LINE,
	[PPTP_CALL_NO_DIAL_TONE] = FINDING_CALL_LINE,
	[PPTP_CALL_TIME_OUT] = FINDING_CALL_LINE,
	[PPTP_CALL_PROHIBITED] = FINDING_CALL_REFUSED,
	[PPTP_LOST_CARRIER] = FINDING_LINK_LOST,
	[PPTP_CALL_LIMIT] = FINDING_CALL_REFUSED,
	[PPTP_GRE_SILENT] = FINDING_GRE_NONE,
	[PPTP_LCP_TIMEOUT] = FINDING_LCP_FAILED,
	[PPTP_LCP_FAILED] = FINDING_LCP_FAILED,
	[PPTP_LCP_LOOPBACK] = FINDING_LCP_LOOPBACK,
	[PPTP_LCP_ECHO_TIMEOUT] = FINDING_LINK_LOST,
	[PPTP_PPP_TERMINATED] = FINDING_LINK_ENDED,
	[PPTP_AUTH_NO_METHOD] = FINDING_AUTH_NO_METHOD,
	[PPTP_AUTH_FAILED] = FINDING_AUTH_WRONG,
	[PPTP_AUTH_RESTRICTED] = FINDING_AUTH_RESTRICTED,
	[PPTP_AUTH_PEER_UNPROVEN] = FINDING_AUTH_UNPROVEN,
	[PPTP_AUTH_CERTIFICATE] = FINDING_AUTH_CERTIFICATE,
	[PPTP_AUTH_TIMEOUT] = FINDING_AUTH_TIMEOUT,
	[PPTP_MPPE_REFUSED] = FINDING_MPPE_NOT_OFFERED,
	[PPTP_MPPE_REQUIRED_BY_PEER] = FINDING_MPPE_REQUIRED,
	[PPTP_MPPE_DESYNC] = FINDING_MPPE_DESYNC,
	[PPTP_CCP_TIMEOUT] = FINDING_CCP_TIMEOUT,
	[PPTP_NO_NETWORK] = FINDING_IPCP_FAILED,
	[PPTP_IPCP_TIMEOUT] = FINDING_IPCP_TIMEOUT,
	[PPTP_NO_ADDRESS] = FINDING_NO_ADDRESS,
	[PPTP_IDLE_TIMEOUT] = FINDING_LINK_LOST,
	[PPTP_SESSION_TIMEOUT] = FINDING_LINK_LOST,
	[PPTP_NO_RESOURCES] = FINDING_MACHINE,
	[PPTP_SYSTEM] = FINDING_MACHINE,
};

enum finding_id finding_of_reason(enum pptp_reason reason)
{
	return (unsigned int)reason < PPTP_REASON_COUNT ? by_reason[reason] : FINDING_MACHINE;
}

static struct finding *find(struct findings *f, enum finding_id id)
{
	for (unsigned int i = 0; i < f->count; i++) {
		if (f->list[i].id == id)
			return &f->list[i];
	}
	return NULL;
}

bool findings_have(const struct findings *f, enum finding_id id)
{
	for (unsigned int i = 0; i < f->count; i++) {
		if (f->list[i].id == id)
			return true;
	}
	return false;
}

void findings_add(struct findings *f, enum finding_id id, const char *format, ...)
{
	struct finding *finding = find(f, id);
	size_t len;
	va_list ap;

	if (id == FINDING_NONE || (!finding && f->count == FINDINGS_MAX))
		return;
	if (!finding) {
		finding = &f->list[f->count++];
		finding->id = id;
		finding->evidence[0] = '\0';
	}
	len = strlen(finding->evidence);
	if (len && len + 2 < sizeof(finding->evidence)) {
		memcpy(finding->evidence + len, "; ", 3);
		len += 2;
	}
	va_start(ap, format);
	vsnprintf(finding->evidence + len, sizeof(finding->evidence) - len, format, ap);
	va_end(ap);
}

void findings_sort(struct findings *f)
{
	for (unsigned int i = 1; i < f->count; i++) {
		struct finding moved = f->list[i];
		unsigned int j = i;

		while (j > 0 &&
			finding_kind(f->list[j - 1].id)->weight < finding_kind(moved.id)->weight) {
			f->list[j] = f->list[j - 1];
			j--;
		}
		f->list[j] = moved;
	}
}

/* A text in lines of some 90 columns, each behind `indent`. */
static void wrapped(FILE *to, const char *label, const char *text)
{
	static const size_t width = 76;
	const char *head = label;

	while (*text) {
		size_t n = strlen(text);

		if (n > width) {
			n = width;
			while (n > 0 && text[n] != ' ')
				n--;
			if (n == 0)
				n = width;
		}
		fprintf(to, "   %-9s %.*s\n", head, (int)n, text);
		head = "";
		text += n;
		while (*text == ' ')
			text++;
	}
}

void findings_print(const struct findings *f, FILE *to)
{
	for (unsigned int i = 0; i < f->count; i++) {
		const struct finding_kind *kind = finding_kind(f->list[i].id);

		fprintf(to, "%u. %s [%s, %s]\n", i + 1, kind->title, kind->name,
			finding_weight_name(kind->weight));
		wrapped(to, "seen:", f->list[i].evidence);
		wrapped(to, "means:", kind->meaning);
		wrapped(to, "do:", kind->remedy);
		if (kind->windows)
			fprintf(to, "   %-9s error %u\n", "Windows:", kind->windows);
	}
}

json_t *finding_json(const struct finding *finding)
{
	const struct finding_kind *kind = finding_kind(finding->id);
	json_t *evidence = json_string(finding->evidence), *o = json_object();

	/* Cut in the midst of a character, or never UTF-8. */
	if (!evidence) {
		char ascii[FINDING_EVIDENCE];
		size_t i;

		for (i = 0; finding->evidence[i]; i++)
			ascii[i] = (unsigned char)finding->evidence[i] < 0x80 ? finding->evidence[i]
									      : '?';
		ascii[i] = '\0';
		evidence = json_string(ascii);
	}
	json_object_set_new(o, "finding", json_string(kind->name));
	json_object_set_new(o, "weight", json_string(finding_weight_name(kind->weight)));
	json_object_set_new(o, "title", json_string(kind->title));
	json_object_set_new(o, "evidence", evidence);
	json_object_set_new(o, "meaning", json_string(kind->meaning));
	json_object_set_new(o, "remedy", json_string(kind->remedy));
	if (kind->windows)
		json_object_set_new(o, "windows_error", json_integer(kind->windows));
	return o;
}
