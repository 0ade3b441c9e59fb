/* Calls of the server: accepted within limits, judged by the accounts, given an address, routed. */
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
	s->owner_data = account;
	s->net.remote = net.remote = addr.s_addr;
	memcpy(net.dns, server->config.dns, sizeof(net.dns));
	memcpy(net.nbns, server->config.wins, sizeof(net.nbns));
	session_verdict(s, verdict, &net);
}

static void on_judge(struct session *s, const struct ppp_auth_request *request)
{
	struct server *server = server_of(s);
	struct account *account = accounts_find(&server->config.accounts, request->name);
	/* An unknown name takes the same path and time as a wrong password. */
	static const uint8_t nobody[16];
	struct ppp_auth_verdict verdict = { 0 };
	bool ok = ppp_auth_check(request, account ? account->nt_hash : nobody, &verdict) && account;
	bool other = ok && s->owner_data && s->owner_data != account;

	if (ok && !other) {
		accept_user(s, account, &verdict);
		explicit_bzero(&verdict, sizeof(verdict));
		return;
	}
	explicit_bzero(&verdict, sizeof(verdict));
	server->auth_failures++;
	log_about(LOG_WARNING, s->subject, "authentication failed: %s",
		other     ? "the session is another user's"
		: account ? "wrong password"
			  : "there is no such user");
	verdict = (struct ppp_auth_verdict){ .error = 691, .retry = !other };
	snprintf(verdict.message, sizeof(verdict.message), "Wrong user name or password");
	session_verdict(s, &verdict, NULL);
}

static int on_up(struct session *s, char *why)
{
	struct server *server = server_of(s);
	struct in_addr remote = { s->net.remote };
	int err = dp_session_add_route(server->hub.dp, s->dp, remote, 32);

	if (err < 0)
		snprintf(why, SYSTEM_WHY, "no route in the data plane: %s",
			err == -EEXIST ? "another session has the address" : "out of memory");
	return err < 0 ? -1 : 0;
}

static void on_opened(struct session *s)
{
	struct in_addr remote = { s->net.remote };
	struct ppp_link_info info;
	char text[INET_ADDRSTRLEN];

	session_ppp_info(s, &info);
	inet_ntop(AF_INET, &remote, text, sizeof(text));
	if (info.tx_encrypted)
		log_about(LOG_INFO, s->subject, "up: address %s, %s, MPPE-%d %s", text, info.auth,
			(int)info.mppe.bits, info.mppe.stateless ? "stateless" : "stateful");
	else
		log_about(
			LOG_INFO, s->subject, "up: address %s, %s, not encrypted", text, info.auth);
}

static void on_gone(struct session *s, enum pptp_reason reason, const char *detail)
{
	struct server *server = server_of(s);
	struct tunnel_stats stats;

	session_stats(s, &stats);
	log_about(LOG_INFO, s->subject, "ended: %s%s%s (%llu bytes in, %llu bytes out)",
		pptp_reason_text(reason), *detail ? ": " : "", detail,
		(unsigned long long)stats.rx_bytes, (unsigned long long)stats.tx_bytes);
	give_back_address(server, s);
}

static const struct session_ops session_ops = {
	.judge = on_judge,
	.up = on_up,
	.opened = on_opened,
	.gone = on_gone,
};

void server_call(struct server_connection *c, const struct control_outgoing_request *request)
{
	struct server *server = c->server;

	if (server->hub.count >= server->config.max_sessions || server->stop_deadline) {
		server->refused_calls++;
		log_about(LOG_WARNING, c->connection.subject, "call refused: %s",
			server->stop_deadline ? "the server is stopping"
					      : "max-sessions is reached");
		control_connection_refuse(&c->connection.control, request,
			CONTROL_OUTGOING_GENERAL_ERROR, CONTROL_ERROR_NO_RESOURCE, 0);
		return;
	}
	if (!session_answer(&server->hub, &c->connection, request, NULL, &server->config.session,
		    &session_ops, server))
		server->refused_calls++;
}
