/* Calls of the server: accepted within limits, judged by the accounts, given an address, routed. */
#include "server/ipv6.h"
#include "server/passwords.h"
#include "server/policy.h"
#include "server/server_internal.h"
#include "system/log.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

static struct server *server_of(const struct session *s)
{
	return s->owner;
}

/*
 * The address for this caller: its fixed one unless that is in use (the same user twice, or a
 * session of a client that lost its power and has not timed out yet), else one of the pool.
 */
static bool take_address(struct session *s, struct account *account, struct in_addr *addr)
{
	struct server *server = server_of(s);

	if (account->address.s_addr && !account->address_in_use) {
		account->address_in_use = true;
		*addr = account->address;
		return true;
	}
	if (account->address.s_addr)
		log_about(LOG_WARNING, s->subject,
			"the user's fixed address is in use by another session: taking one of the "
			"pool");
	if (address_pool_take(&server->config.pool, addr))
		return true;
	server->pool_empty++;
	log_about(LOG_WARNING, s->subject,
		"no free address: the pool's %u are all in use (enlarge pool = {...})",
		server->config.pool.size - server->config.pool.reserved);
	return false;
}

static void give_back_address(struct server *server, struct session *s)
{
	struct in_addr addr = { s->net.remote };
	struct account *account = s->owner_data;

	if (!addr.s_addr)
		return;
	if (account && account->address.s_addr == addr.s_addr)
		account->address_in_use = false;
	else
		address_pool_give_back(&server->config.pool, addr);
	s->net.remote = 0;
}

static bool limit_user(struct session *s, const struct account *account)
{
	struct rate_limits limits = s->limits;

	settings_rate_apply(&limits, &account->limits);
	return session_limit(s, &limits) == 0;
}

static void accept_user(
	struct session *s, struct account *account, struct ppp_auth_verdict *verdict)
{
	struct server *server = server_of(s);
	struct ppp_network net = { .local = server->config.local.s_addr };
	struct in_addr addr = { s->net.remote };

	/* Kept when a session authenticates again: the data plane has a route to it. */
	if (!addr.s_addr && !take_address(s, account, &addr)) {
		session_close(s, PPTP_NO_ADDRESS, "");
		return;
	}
	/* Once: what an administrator has changed since then stays. */
	if (!s->owner_data && !limit_user(s, account)) {
		session_close(s, PPTP_NO_RESOURCES, "out of memory");
		return;
	}
	if (!s->owner_data)
		server_call_authenticated(server, s);
	s->owner_data = account;
	s->net.remote = net.remote = addr.s_addr;
	memcpy(net.dns, server->config.dns, sizeof(net.dns));
	memcpy(net.nbns, server->config.wins, sizeof(net.nbns));
	session_verdict(s, verdict, &net);
}

/* The right user, but not by this telephone. */
static void refuse_numbers(struct session *s)
{
	struct ppp_auth_verdict verdict = { .error = 649 };
	char calling[300], called[300];

	if (server_may_log(server_of(s), SERVER_LOG_LOGON))
		log_about(LOG_WARNING, s->subject,
			"authentication failed: the user may not call from \"%s\" to \"%s\"",
			log_escape(calling, sizeof(calling), s->asked->calling,
				strlen(s->asked->calling)),
			log_escape(called, sizeof(called), s->asked->number,
				strlen(s->asked->number)));
	server_logon_failed(server_of(s), s);
	snprintf(verdict.message, sizeof(verdict.message), "Not from this number");
	session_verdict(s, &verdict, NULL);
}

/* A guess that came too early for the limit: not even a right one is told from a wrong one. */
static bool refuse_blocked(struct session *s, const struct account *account)
{
	struct ppp_auth_verdict verdict = { .error = 691 };

	/* Who was let in before may be asked again, but only who. */
	if ((s->owner_data && s->owner_data == account) || !server_logon_blocked(server_of(s), s))
		return false;
	snprintf(verdict.message, sizeof(verdict.message), "Wrong user name or password");
	session_verdict(s, &verdict, NULL);
	return true;
}

/* By the password. */
static bool check_secret(const struct ppp_auth_request *request, const struct account *account,
	struct ppp_auth_verdict *verdict)
{
	/* An unknown name takes the same path and time as a wrong password. */
	static const struct ppp_secret nobody;
	bool has = account && !account->certificate_only;

	return ppp_auth_check(request, has ? &account->secret : &nobody, verdict) && has;
}

/* It is good, as TLS has found: whose is it? */
static bool check_certificate(struct session *s, const struct ppp_auth_request *request,
	const struct account *account, struct ppp_auth_verdict *verdict)
{
	const char *name = request->certificate->count ? request->certificate->names[0] : "";
	char text[200];

	verdict->ok = account != NULL;
	verdict->user = account ? account->name : NULL;
	if (!account && server_may_log(server_of(s), SERVER_LOG_LOGON))
		log_about(LOG_WARNING, s->subject, "the certificate of \"%s\" is no user's",
			log_escape(text, sizeof(text), name, strlen(name)));
	return account != NULL;
}

static void refuse_expired(struct session *s)
{
	struct ppp_auth_verdict verdict = { .error = 648, .change = true };

	if (server_may_log(server_of(s), SERVER_LOG_LOGON))
		log_about(LOG_INFO, s->subject, "the user must change the password first");
	snprintf(verdict.message, sizeof(verdict.message), "Password expired");
	session_verdict(s, &verdict, NULL);
}

/* Of a user who proved the old password just now: else nobody was offered it. */
static void change_password(
	struct session *s, struct account *account, const struct ppp_auth_request *request)
{
	struct server *server = server_of(s);
	struct ppp_secret next;
	struct ppp_auth_verdict verdict;
	char why[SYSTEM_WHY] = "";
	enum password_fault fault =
		ppp_auth_check_change(request, &account->secret, &next, &verdict);

	if (fault != PASSWORD_GOOD) {
		server_logon_failed(server, s);
		snprintf(why, sizeof(why), "%s", password_fault_text(fault));
	} else if (passwords_change(server->config.changed_passwords, &server->config.accounts,
			   account, &next, why) < 0) {
		explicit_bzero(&verdict, sizeof(verdict));
		verdict = (struct ppp_auth_verdict){ .error = 709 };
		snprintf(verdict.message, sizeof(verdict.message), "The server cannot keep it");
	}
	if (verdict.ok) {
		log_about(LOG_INFO, s->subject, "the user has changed the password");
		accept_user(s, account, &verdict);
	} else {
		if (server_may_log(server, SERVER_LOG_LOGON))
			log_about(LOG_WARNING, s->subject, "the new password is refused: %s", why);
		session_verdict(s, &verdict, NULL);
	}
	explicit_bzero(&next, sizeof(next));
	explicit_bzero(&verdict, sizeof(verdict));
}

static const char *why_wrong(
	const struct account *account, const struct ppp_auth_request *request, bool other)
{
	if (other)
		return "the session is another user's";
	if (!account)
		return "there is no such user";
	if (account->certificate_only)
		return "the user has a certificate, no password";
	return request->lm_only
		       ? "the response is LM's only, which is next to the password in clear"
		       : "wrong password";
}

static void on_judge(struct session *s, const struct ppp_auth_request *request)
{
	struct server *server = server_of(s);
	const struct accounts *accounts = &server->config.accounts;
	struct account *account =
		request->certificate
			? accounts_find_certificate(accounts, request->certificate, request->name)
			: accounts_find(accounts, request->name);
	struct ppp_auth_verdict verdict = { 0 };
	/* Refused unjudged: whether that password were right would be known by the answer. */
	bool other = s->owner_data && s->owner_data != account, ok = false;

	if (refuse_blocked(s, account))
		return;
	if (request->change && account && account->must_change && !other) {
		change_password(s, account, request);
		return;
	}
	if (request->certificate && !other)
		ok = check_certificate(s, request, account, &verdict);
	else if (!other)
		ok = !request->change && check_secret(request, account, &verdict);
	if (ok && !policy_numbers(account, s)) {
		refuse_numbers(s);
		explicit_bzero(&verdict, sizeof(verdict));
		return;
	}
	if (ok && account->must_change && !request->certificate && !s->owner_data) {
		explicit_bzero(&verdict, sizeof(verdict));
		refuse_expired(s);
		return;
	}
	if (ok) {
		accept_user(s, account, &verdict);
		explicit_bzero(&verdict, sizeof(verdict));
		return;
	}
	explicit_bzero(&verdict, sizeof(verdict));
	server_logon_failed(server, s);
	if (server_may_log(server, SERVER_LOG_LOGON))
		log_about(LOG_WARNING, s->subject, "authentication failed: %s",
			why_wrong(account, request, other));
	verdict = (struct ppp_auth_verdict){ .error = 691, .retry = !other };
	snprintf(verdict.message, sizeof(verdict.message), "Wrong user name or password");
	session_verdict(s, &verdict, NULL);
}

/*
 * What is behind this user, if it is not there already: a user may be there twice, as after a loss of
 * power, and a network is one session's. When that has gone, another one gets it, or a third has got
 * it before (`again`: that is no news).
 */
static void route_networks(struct session *s, bool again)
{
	const struct account *account = s->owner_data;

	for (unsigned int i = 0; account && i < account->network_count; i++) {
		const struct account_network *n = &account->networks[i];
		int err = dp_session_add_route(server_of(s)->hub.dp, s->dp, n->prefix, n->len);
		char text[INET_ADDRSTRLEN];

		if (err == 0 || (again && err == -EEXIST))
			continue;
		inet_ntop(AF_INET, &n->prefix, text, sizeof(text));
		log_about(LOG_WARNING, s->subject, "no route for %s/%u through this session: %s",
			text, n->len, err == -EEXIST ? "another session has it" : "out of memory");
	}
}

static int on_up(struct session *s, char *why)
{
	struct server *server = server_of(s);
	struct in_addr remote = { s->net.remote };
	int err = dp_session_add_route(server->hub.dp, s->dp, remote, 32);

	if (err < 0)
		snprintf(why, SYSTEM_WHY, "no route in the data plane: %s",
			err == -EEXIST ? "another session has the address" : "out of memory");
	else
		route_networks(s, false);
	return err < 0 ? -1 : 0;
}

/* A call of a telephone line: frames pass unseen. */
static void line_opened(struct session *s)
{
	/* Its PNS answers for the call; but anybody may dial a line, so the connection is not trusted
	 * for it. */
	server_line_up(server_of(s), s);
	if (server_may_log(server_of(s), SERVER_LOG_SESSIONS))
		log_about(LOG_INFO, s->subject, "up: %s line, %u bits/s", s->line->ops->kind,
			s->speed);
	policy_up(s);
}

static void on_opened(struct session *s)
{
	struct in_addr remote = { s->net.remote };
	struct ppp_link_info info;
	char text[INET_ADDRSTRLEN];

	if (s->line->ops->raw) {
		line_opened(s);
		return;
	}
	policy_up(s);
	session_ppp_info(s, &info);
	inet_ntop(AF_INET, &remote, text, sizeof(text));
	if (info.tx_encrypted)
		log_about(LOG_INFO, s->subject, "up: address %s, %s, MPPE-%d %s", text, info.auth,
			(int)info.mppe.bits, info.mppe.stateless ? "stateless" : "stateful");
	else
		log_about(
			LOG_INFO, s->subject, "up: address %s, %s, not encrypted", text, info.auth);
}

/* The newest of the user's other sessions is the likeliest to live. */
static void pass_networks_on(const struct session *gone)
{
	const struct account *account = gone->owner_data;
	struct session *heir = NULL;

	if (!account || !account->network_count)
		return;
	for (struct session *s = gone->hub->sessions; s; s = s->next) {
		if (s != gone && s->owner_data == account && s->is_up && !s->ending &&
			(!heir || s->id > heir->id))
			heir = s;
	}
	if (heir)
		route_networks(heir, true);
}

static void on_gone(struct session *s, enum pptp_reason reason, const char *detail)
{
	struct server *server = server_of(s);
	struct ppp_link_info info;
	struct tunnel_stats stats;
	bool passed = s->owner_data || (s->line->ops->raw && s->up_at);

	session_stats(s, &stats);
	policy_down(s, reason);
	/* Anybody may dial a line. */
	if (s->owner_data || server_may_log(server, SERVER_LOG_SESSIONS))
		log_about(LOG_INFO, s->subject, "ended: %s%s%s (%llu bytes in, %llu bytes out)",
			pptp_reason_text(reason), *detail ? ": " : "", detail,
			(unsigned long long)stats.rx_bytes, (unsigned long long)stats.tx_bytes);
	give_back_address(server, s);
	server_gone6(s);
	/* Nothing came to be judged, and it has cost more than a guess all the same. */
	session_ppp_info(s, &info);
	if (info.handshake && !s->owner_data)
		server_logon_failed(server, s);
	pass_networks_on(s);
	server_call_ended(server, s, passed);
}

static void on_began(struct session *s)
{
	server_call_began(server_of(s), s);
}

/* As the section `peer` that fits says. */
static void on_terms(const struct connection *c, struct session_terms *terms)
{
	const struct server_connection *sc = c->owner;

	terms->flow = sc->peer->flow;
	terms->mtu_max = sc->peer->mtu;
	terms->any_source = !sc->peer->check_source;
}

static const struct session_ops session_ops = {
	.began = on_began,
	.terms = on_terms,
	.admit = policy_admit,
	.judge = on_judge,
	.up = on_up,
	.up6 = server_up6,
	.may_have = server_may_have,
	.opened = on_opened,
	.gone = on_gone,
};

void server_call(struct server_connection *c, const struct control_outgoing_request *request)
{
	struct server *server = c->server;
	struct line *line;
	bool busy;

	if (!server_admit_call(c)) {
		control_connection_refuse(&c->connection.control, request,
			CONTROL_OUTGOING_GENERAL_ERROR, CONTROL_ERROR_NO_RESOURCE, 0);
		return;
	}
	line = server_line_for(server, request->phone, &busy);
	if (busy) {
		server->refused_calls++;
		control_connection_refuse(&c->connection.control, request,
			CONTROL_OUTGOING_GENERAL_ERROR, CONTROL_ERROR_NO_RESOURCE,
			LINE_CAUSE_NO_CHANNEL);
		return;
	}
	if (!session_answer(&server->hub, &c->connection, request, line, &server->config.session,
		    &session_ops, server))
		server->refused_calls++;
}

void server_incoming_call(
	struct server_connection *c, const struct control_incoming_request *request)
{
	struct server *server = c->server;
	char dialed[300], dialing[300];

	if (!c->peer->incoming_calls) {
		server->refused_calls++;
		if (server_may_log(server, SERVER_LOG_REFUSED))
			log_about(LOG_WARNING, c->connection.subject,
				"incoming call refused: incoming-calls is false for this peer");
		control_connection_refuse_incoming(&c->connection.control, request,
			CONTROL_INCOMING_DO_NOT_ACCEPT, CONTROL_ERROR_NONE);
		return;
	}
	if (!server_admit_call(c)) {
		control_connection_refuse_incoming(&c->connection.control, request,
			CONTROL_INCOMING_GENERAL_ERROR, CONTROL_ERROR_NO_RESOURCE);
		return;
	}
	if (server_may_log(server, SERVER_LOG_SESSIONS))
		log_about(LOG_INFO, c->connection.subject, "incoming call from \"%s\" to \"%s\"",
			log_escape(dialing, sizeof(dialing), request->dialing,
				strlen(request->dialing)),
			log_escape(
				dialed, sizeof(dialed), request->dialed, strlen(request->dialed)));
	if (!session_take(&server->hub, &c->connection, request, &server->config.session,
		    &session_ops, server))
		server->refused_calls++;
}

void server_offer(struct server_connection *c, const struct line_call *call, struct line *l)
{
	struct server *server = c->server;

	if (server->stop_deadline)
		l->ops->release(l);
	else
		(void)session_offer(&server->hub, &c->connection, call, l, &server->config.session,
			&session_ops, server);
}
