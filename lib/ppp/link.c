/* One PPP link: the facade of link.h. What is where: see link_internal.h. */
#include "lib/ppp/frame.h"
#include "lib/ppp/link_internal.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#define SANE_MRU     576 /* what every IPv4 host must take: for one that no LCP agrees to */
#define LOG_BURST    40
#define LOG_INTERVAL 5000000u /* us a line */

/*
 * Nearly every line says what the peer did, and it may do that a million times a second, before it
 * has authenticated itself: what exceeds some lines is for the debug log.
 */
static enum ppp_log limited(struct ppp_link *l, enum ppp_log level)
{
	uint64_t lines = (l->now - l->log_since) / LOG_INTERVAL;

	if (level == PPP_LOG_DEBUG)
		return level;
	l->log_since += lines * LOG_INTERVAL;
	l->log_lines = l->log_lines > lines ? (uint8_t)(l->log_lines - lines) : 0;
	if (l->log_lines >= LOG_BURST)
		return PPP_LOG_DEBUG;
	l->log_lines++;
	return level;
}

void link_log(struct ppp_link *l, enum ppp_log level, const char *format, ...)
{
	va_list ap;

	va_start(ap, format);
	l->ops->log(l->user, limited(l, level), format, ap);
	va_end(ap);
}

static void host_send(void *user, uint16_t protocol, const uint8_t *packet, size_t len)
{
	struct ppp_link *l = user;

	if (!l->over)
		l->ops->send(l->user, protocol, packet, len);
}

static void host_random(void *user, void *buf, size_t len)
{
	struct ppp_link *l = user;

	l->ops->random(l->user, buf, len);
}

static void host_rejected(void *user, uint16_t protocol)
{
	struct ppp_link *l = user;
	char buf[24];

	link_log(l, PPP_LOG_INFO, "the peer rejects %s",
		ppp_protocol_name(protocol, buf, sizeof(buf)));
	if (protocol == PPP_LCP)
		link_end(l, LINK_END, PPTP_LCP_FAILED, "the peer rejects LCP");
	else if (protocol == link_auth_protocol(l) && l->auth_running && !l->authenticated)
		link_end(l, LINK_END, PPTP_AUTH_NO_METHOD,
			protocol == PPP_EAP   ? "the peer rejects EAP"
			: protocol == PPP_PAP ? "the peer rejects PAP"
					      : "the peer rejects CHAP");
	else
		link_network_rejected(l, protocol);
}

static void host_log(void *user, enum ppp_log level, const char *format, va_list ap)
{
	struct ppp_link *l = user;

	l->ops->log(l->user, limited(l, level), format, ap);
}

const struct cp_host link_host = {
	.send = host_send,
	.random = host_random,
	.event = link_event,
	.protocol_rejected = host_rejected,
	.log = host_log,
};

void link_keep(char **at, const char *text, size_t len)
{
	char *copy = len ? malloc(len + 1) : NULL;

	if (copy) {
		memcpy(copy, text, len);
		copy[len] = '\0';
	}
	free(*at);
	*at = copy;
}

/* 0 or -ENOMEM. */
static int copy_config(struct ppp_link *l, const struct ppp_link_config *config)
{
	size_t len = strnlen(config->name, CHAP_NAME_MAX);

	l->role = config->role;
	l->mru = config->mru < LCP_MIN_MRU ? SANE_MRU : config->mru;
	l->name = malloc(len + 1);
	if (!l->name)
		return -ENOMEM;
	memcpy(l->name, config->name, len);
	l->name[len] = '\0';
	l->mppe = config->mppe;
	if (!(l->mppe.strengths & (PPP_MPPE_40 | PPP_MPPE_56 | PPP_MPPE_128)))
		l->mppe.strengths = PPP_MPPE_128;
	if (!l->mppe.allow_stateful)
		l->mppe.allow_stateless = true;
	l->compress = config->compress;
	l->tls = config->tls;
	l->anonymous = config->anonymous;
	l->binding_optional = config->binding_optional;
	l->vj = config->vj;
	l->want_dns = config->want_dns;
	l->ipv6 = config->ipv6;
	memcpy(l->identifier, config->identifier, sizeof(l->identifier));
	l->reauthenticate = config->role == PPP_SERVER ? config->reauthenticate : 0;
	l->restart_interval = config->restart_interval;
	l->setup_timeout = config->setup_timeout;
	l->session_time = config->session_time;
	l->identification = config->identification;
	if (l->ipv6 != PPP_IPV6_OFF && !(l->ipv6cp = calloc(1, sizeof(*l->ipv6cp))))
		return -ENOMEM;
	return 0;
}

/*
 * What may be agreed on. Where encryption is required, a method that makes no keys would only end
 * in a failure after the password was shown: it is left out, unless there is no other.
 */
static struct ppp_auth_list allowed(const struct ppp_link_config *config)
{
	static const struct ppp_auth_list usual = { 1, { PPP_AUTH_MSCHAP2 } };
	const struct ppp_auth_list *all = config->auth.count ? &config->auth : &usual;
	struct ppp_auth_list usable = { 0 }, list = { 0 };

	for (unsigned int i = 0; i < all->count; i++) {
		if (config->tls || !ppp_auth_needs_tls(all->methods[i]))
			usable.methods[usable.count++] = all->methods[i];
	}
	for (unsigned int i = 0; i < usable.count; i++) {
		if (ppp_auth_makes_keys(usable.methods[i]))
			list.methods[list.count++] = usable.methods[i];
	}
	return config->mppe.policy == PPP_MPPE_REQUIRE && list.count ? list : usable;
}

static void init_lcp(struct ppp_link *l, const struct ppp_link_config *config)
{
	struct lcp_config lcp = {
		.mru = l->mru,
		/* Whoever has a password wants to see the server prove that it knows it; whoever
		 * has TLS, that it is the server. */
		.insist_auth = l->role == PPP_CLIENT && (config->password || config->tls ||
								l->mppe.policy == PPP_MPPE_REQUIRE),
		.restart_interval = l->restart_interval,
		.echo_interval = config->echo_interval,
		.echo_failures = config->echo_failures,
		.callback_allow = l->role == PPP_SERVER && config->cbcp,
		.callback_follow = l->role == PPP_CLIENT,
	};

	if (l->role == PPP_SERVER)
		lcp.demand = allowed(config);
	else
		lcp.accept = allowed(config);
	lcp_init(&l->lcp, &lcp, &link_host, l);
}

/* 0; -ENOMEM; -EINVAL if there is no hash of it. */
static int keep_secret(struct ppp_link *l, const struct ppp_link_config *config)
{
	bool itself = ppp_auth_peer_needs_password(&config->auth);
	struct link_client *client;
	size_t len;
	int rc;

	if (l->role != PPP_CLIENT)
		return 0;
	client = l->client = calloc(1, sizeof(*l->client));
	if (!client)
		return -ENOMEM;
	if (!config->password)
		return 0;
	rc = ppp_secret_from_password(&client->secret, config->password);
	client->secret.password = NULL;
	len = strlen(config->password);
	if (rc < 0 || !itself || len > PPP_PASSWORD_MAX)
		return rc;
	client->password = malloc(len + 1);
	if (!client->password)
		return -ENOMEM;
	memcpy(client->password, config->password, len + 1);
	client->secret.password = client->password;
	return 0;
}

/* 0, or -ENOMEM. Sealed at once, so that the password itself need not be kept. */
static int keep_change(struct ppp_link *l, const char *password)
{
	uint8_t random[PASSWORD_BLOCK];
	struct link_client *client = l->client;

	if (!password || !client)
		return 0;
	client->change = calloc(1, sizeof(*client->change));
	if (!client->change)
		return -ENOMEM;
	l->ops->random(l->user, random, sizeof(random));
	if (password_seal(client->change, password, client->secret.nt_hash, random) !=
		PASSWORD_GOOD)
		link_auth_forget_change(l);
	return 0;
}

void ppp_link_free(struct ppp_link *l)
{
	if (!l)
		return;
	link_auth_wipe(l); /* a TLS session is not ours alone */
	link_forget(&l->held_ccp);
	link_forget(&l->held_ipcp);
	link_forget(&l->held_ipv6cp);
	lcp_done(&l->lcp);
	free(l->name);
	free(l->detail);
	free(l->peer_name);
	free(l->ipv6cp);
	explicit_bzero(l, sizeof(*l));
	free(l);
}

struct ppp_link *ppp_link_new(
	const struct ppp_link_config *config, const struct ppp_link_ops *ops, void *user)
{
	struct ppp_link *l = calloc(1, sizeof(*l));

	if (!l)
		return NULL;
	l->ops = ops;
	l->user = user;
	/* One that has no NT hash (not UTF-8, too long) is refused by the caller's configuration.
	 */
	if (copy_config(l, config) || keep_secret(l, config) ||
		keep_change(l, config->new_password)) {
		ppp_link_free(l);
		return NULL;
	}
	init_lcp(l, config);
	l->setup_deadline = l->hold_deadline = l->reopen_deadline = UINT64_MAX;
	l->proof_deadline = UINT64_MAX;
	l->session_end = l->session_warn = UINT64_MAX;
	return l;
}

static void enter(struct ppp_link *l, uint64_t now)
{
	l->now = now;
	l->depth++;
}

static void leave(struct ppp_link *l)
{
	l->depth--;
	link_settle(l);
}

void ppp_link_start(struct ppp_link *l, uint64_t now)
{
	if (l->over || l->phase != PPP_DEAD)
		return;
	enter(l, now);
	link_step(l, LINK_STEP_UP);
	l->setup_deadline = now + l->setup_timeout;
	lcp_start(&l->lcp, now);
	leave(l);
}

static void demultiplex(struct ppp_link *l, uint16_t protocol, const uint8_t *info, size_t len)
{
	char buf[24];

	switch (protocol) {
	case PPP_LCP:
		lcp_receive(&l->lcp, info, len, l->now);
		return;
	case PPP_CHAP:
	case PPP_PAP:
	case PPP_EAP:
		link_auth_receive(l, protocol, info, len);
		return;
	case PPP_CBCP:
		link_auth_implied(l);
		link_callback_receive(l, info, len);
		return;
	case PPP_CCP:
		link_auth_implied(l);
		link_receive_ccp(l, info, len);
		link_callback_implied(l);
		return;
	case PPP_IPCP:
		link_auth_implied(l);
		link_receive_ncp(l, protocol, info, len);
		link_callback_implied(l);
		return;
	case PPP_IPV6CP:
		if (!link_wants_ipv6(l))
			break;
		link_auth_implied(l);
		link_receive_ncp(l, protocol, info, len);
		link_callback_implied(l);
		return;
	case PPP_COMP: /* encrypted data that came while encryption was off */
		return;
	default:
		break;
	}
	if (ppp_is_data(protocol) || !cp_is_open(&l->lcp.cp))
		return;
	/* IPXCP, ...: an end at once spares the peer its timers. */
	link_log(l, PPP_LOG_INFO, "%s rejected", ppp_protocol_name(protocol, buf, sizeof(buf)));
	lcp_reject_protocol(&l->lcp, protocol, info, len);
}

void ppp_link_receive(
	struct ppp_link *l, uint16_t protocol, const uint8_t *info, size_t len, uint64_t now)
{
	if (l->over || l->phase == PPP_DEAD)
		return;
	enter(l, now);
	l->received++;
	lcp_heard(&l->lcp, protocol == PPP_LCP ? info : NULL, len, now);
	if (l->phase != PPP_TERMINATE || protocol == PPP_LCP)
		demultiplex(l, protocol, info, len);
	leave(l);
}

void ppp_link_alive(struct ppp_link *l, uint64_t now)
{
	lcp_alive(&l->lcp, now);
}

void ppp_link_verdict(struct ppp_link *l, const struct ppp_auth_verdict *verdict,
	const struct ppp_network *net, uint64_t now)
{
	/* One that nobody waits for must not change the addresses of a session. */
	if (l->over || !link_auth_judging(l))
		return;
	enter(l, now);
	/* A later proof changes nothing of what was agreed on. */
	if (net && !l->authenticated)
		l->net = *net;
	link_auth_verdict(l, verdict);
	leave(l);
}

void ppp_link_close(struct ppp_link *l, enum pptp_reason reason, uint64_t now)
{
	if (l->over)
		return;
	enter(l, now);
	link_end(l, LINK_END, reason ? reason : PPTP_LOCAL_REQUEST, "");
	leave(l);
}

void ppp_link_lower_down(
	struct ppp_link *l, enum pptp_reason reason, const char *detail, uint64_t now)
{
	if (l->over)
		return;
	enter(l, now);
	/* An end that is under way keeps its own reason. */
	link_end(l, LINK_END_NOW, reason ? reason : PPTP_PEER_REQUEST, detail ? detail : "");
	l->pending |= LINK_END_NOW;
	leave(l);
}

void ppp_link_tick(struct ppp_link *l, uint64_t now)
{
	if (l->over || l->phase == PPP_DEAD)
		return;
	enter(l, now);
	link_tick_phase(l);
	link_tick_network(l);
	leave(l);
}

static uint64_t earlier(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

uint64_t ppp_link_deadline(const struct ppp_link *l)
{
	uint64_t deadline = UINT64_MAX;

	if (l->over || l->phase == PPP_DEAD)
		return deadline;
	deadline = earlier(lcp_deadline(&l->lcp), l->setup_deadline);
	deadline = earlier(deadline, link_auth_deadline(l));
	deadline = earlier(deadline, link_session_deadline(l));
	if (l->phase == PPP_CALLBACK)
		deadline = earlier(deadline, l->cbcp.deadline);
	if (l->phase != PPP_NETWORK)
		return deadline;
	deadline = earlier(deadline, l->proof_deadline);
	if (!l->ccp_off)
		deadline = earlier(deadline, cp_deadline(&l->ccp.cp));
	deadline = earlier(deadline, cp_deadline(&l->ipcp.cp));
	if (link_wants_ipv6(l))
		deadline = earlier(deadline, cp_deadline(&l->ipv6cp->cp));
	deadline = earlier(deadline, l->hold_deadline);
	return earlier(deadline, l->reopen_deadline);
}

static const char *state_of(const struct cp *cp)
{
	return cp->failed ? "Failed" : automaton_state_name(cp->automaton.state);
}

void ppp_link_get_info(const struct ppp_link *l, struct ppp_link_info *info)
{
	const struct lcp *lcp = &l->lcp;

	memset(info, 0, sizeof(*info));
	info->phase = l->phase;
	info->up = l->ipv4_up;
	info->up6 = l->ipv6_up;
	info->auth = l->authenticated ? ppp_auth_name(l->auth) : "";
	if (l->authenticated)
		snprintf(info->peer_name, sizeof(info->peer_name), "%s",
			l->peer_name ? l->peer_name : "");
	info->tx_encrypted = l->ccp.tx_on && cp_is_open(&l->ccp.cp);
	info->rx_encrypted = l->ccp.rx_on && cp_is_open(&l->ccp.cp);
	if (info->tx_encrypted)
		info->mppe = l->ccp.tx;
	if (cp_is_open(&l->ccp.cp)) {
		info->pack = l->ccp.pack.kind;
		info->unpack = l->ccp.unpack.kind;
	}
	info->handshake = l->handshake || (l->eap && eap_handshake(l->eap));
	info->vj_tx = cp_is_open(&l->ipcp.cp) && l->ipcp.vj_tx;
	info->vj_rx = cp_is_open(&l->ipcp.cp) && l->ipcp.vj_rx;
	info->mru = lcp->mru ? lcp->mru : l->mru;
	info->peer_mru = lcp->peer.mru < l->mru ? lcp->peer.mru : l->mru;
	info->accm = lcp_accm(lcp);
	info->peer_accm = lcp->peer.accm;
	info->net = l->net;
	info->lcp = state_of(&lcp->cp);
	info->ccp = state_of(&l->ccp.cp);
	info->ipcp = state_of(&l->ipcp.cp);
	info->ipv6cp = l->ipv6cp ? state_of(&l->ipv6cp->cp) : automaton_state_name(PPP_INITIAL);
	info->echo_rtt = lcp->echo_rtt;
	info->received = l->received;
}

const char *ppp_phase_name(enum ppp_phase phase)
{
	static const char *const names[] = {
		[PPP_DEAD] = "dead",
		[PPP_ESTABLISH] = "establish",
		[PPP_AUTHENTICATE] = "authenticate",
		[PPP_CALLBACK] = "callback",
		[PPP_NETWORK] = "network",
		[PPP_TERMINATE] = "terminate",
	};

	return (unsigned int)phase < sizeof(names) / sizeof(names[0]) ? names[phase] : "unknown";
}
