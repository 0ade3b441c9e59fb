/*
 * What the server says of logons (server/calls.c), with sessions and limits replaced: what an attempt
 * must not tell, and whom a block holds back.
 */
#include "server/server_internal.h"

#include "server/ipv6.h"
#include "server/policy.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static struct server server;
static struct server_connection connection;
static struct session session;
static struct line_call asked;
static char text[1];
static const struct session_ops *ops;
static struct ppp_auth_verdict verdict;
static unsigned int verdicts, failures;
static bool blocked;

/* ---- what is around it */

struct session *session_answer(struct hub *h, struct connection *c,
	const struct control_outgoing_request *request, struct line *line,
	const struct session_config *config, const struct session_ops *o, void *owner)
{
	(void)h, (void)c, (void)request, (void)line, (void)config;
	ops = o;
	session.owner = owner;
	return &session;
}

struct session *session_take(struct hub *h, struct connection *c,
	const struct control_incoming_request *request, const struct session_config *config,
	const struct session_ops *o, void *owner)
{
	(void)h, (void)c, (void)request, (void)config, (void)o, (void)owner;
	return NULL;
}

struct session *session_offer(struct hub *h, struct connection *c, const struct line_call *call,
	struct line *line, const struct session_config *config, const struct session_ops *o,
	void *owner)
{
	(void)h, (void)c, (void)call, (void)line, (void)config, (void)o, (void)owner;
	return NULL;
}

void session_verdict(
	struct session *s, const struct ppp_auth_verdict *v, const struct ppp_network *net)
{
	assert_ptr_equal(s, &session);
	assert_true(v->ok == (net != NULL));
	verdict = *v;
	verdicts++;
}

void session_close(struct session *s, enum pptp_reason reason, const char *detail)
{
	(void)s, (void)reason, (void)detail;
	fail();
}

int session_limit(struct session *s, const struct rate_limits *limits)
{
	assert_ptr_equal(s, &session);
	assert_non_null(limits);
	return 0;
}

void session_limited(const struct session *s, struct dp_limited *up, struct dp_limited *down)
{
	(void)s;
	memset(up, 0, sizeof(*up));
	memset(down, 0, sizeof(*down));
}

void session_stats(const struct session *s, struct tunnel_stats *out)
{
	(void)s;
	memset(out, 0, sizeof(*out));
}

void session_ppp_info(const struct session *s, struct ppp_link_info *info)
{
	(void)s;
	memset(info, 0, sizeof(*info));
}

int dp_session_add_route(
	struct dataplane *dp, struct dp_session *s, struct in_addr prefix, unsigned int len)
{
	(void)dp, (void)s, (void)prefix, (void)len;
	return 0;
}

bool server_admit_call(struct server_connection *c)
{
	(void)c;
	return true;
}

void server_call_began(struct server *s, const struct session *x)
{
	(void)s, (void)x;
}

void server_call_authenticated(struct server *s, const struct session *x)
{
	(void)s, (void)x;
}

void server_line_up(struct server *s, const struct session *x)
{
	(void)s, (void)x;
}

void server_call_ended(struct server *s, const struct session *x, bool authenticated)
{
	(void)s, (void)x, (void)authenticated;
}

void server_logon_failed(struct server *s, const struct session *x)
{
	(void)s, (void)x;
	failures++;
}

bool server_logon_blocked(const struct server *s, const struct session *x)
{
	(void)s, (void)x;
	return blocked;
}

bool server_may_log(struct server *s, enum server_log kind)
{
	(void)s, (void)kind;
	return false;
}

struct line *server_line_for(struct server *s, const char *number, bool *busy)
{
	(void)s, (void)number;
	*busy = false;
	return NULL;
}

int server_up6(struct session *s, char *why)
{
	(void)s, (void)why;
	return 0;
}

bool server_may_have(struct session *s, const uint8_t identifier[8])
{
	(void)s, (void)identifier;
	return true;
}

void server_gone6(struct session *s)
{
	(void)s;
}

int policy_admit(struct session *s, struct line_failure *failure)
{
	(void)s, (void)failure;
	return 1;
}

void policy_up(struct session *s)
{
	(void)s;
}

void policy_down(struct session *s, enum pptp_reason reason)
{
	(void)s, (void)reason;
}

bool policy_numbers(const struct account *a, const struct session *s)
{
	(void)a, (void)s;
	return true;
}

/* ---- the tests */

static int start(void **state)
{
	static const struct in_addr none;
	struct control_outgoing_request request = { 0 };
	struct in_addr prefix = { htonl(0x0a630000) };

	(void)state;
	memset(&server, 0, sizeof(server));
	memset(&session, 0, sizeof(session));
	session.asked = &asked;
	session.user = session.subject = text;
	blocked = false;
	accounts_init(&server.config.accounts);
	address_pool_init(&server.config.pool);
	assert_int_equal(address_pool_add(&server.config.pool, prefix, 24), 0);
	assert_int_equal(
		accounts_put(&server.config.accounts, "alice", "wonderland", NULL, none), 0);
	assert_int_equal(accounts_put(&server.config.accounts, "bob", "builder", NULL, none), 0);
	connection.server = &server;
	server_call(&connection, &request);
	return ops ? 0 : -1;
}

static int end(void **state)
{
	(void)state;
	accounts_done(&server.config.accounts);
	address_pool_done(&server.config.pool);
	return 0;
}

/* PAP: the shortest proof there is. */
static void attempt(const char *name, const char *password)
{
	struct ppp_auth_request request = { .method = PPP_AUTH_PAP };

	strcpy(request.name, name);
	strcpy(request.password, password);
	verdicts = failures = 0;
	memset(&verdict, 0, sizeof(verdict));
	ops->judge(&session, &request);
	assert_int_equal(verdicts, 1);
}

static void a_user_of_a_session_learns_nothing_of_other_passwords(void **state)
{
	struct ppp_auth_verdict wrong;

	(void)state;
	attempt("alice", "wonderland");
	assert_true(verdict.ok);
	attempt("bob", "wrong");
	assert_false(verdict.ok);
	assert_int_equal(failures, 1);
	wrong = verdict;
	attempt("bob", "builder");
	assert_int_equal(failures, 1);
	assert_memory_equal(&verdict, &wrong, sizeof(wrong));
	attempt("nobody", "at all");
	assert_memory_equal(&verdict, &wrong, sizeof(wrong));
	attempt("alice", "wonderland");
	assert_true(verdict.ok);
}

static void a_right_password_of_another_who_must_change_it_is_not_told_either(void **state)
{
	struct ppp_auth_verdict wrong;

	(void)state;
	accounts_find(&server.config.accounts, "bob")->must_change = true;
	attempt("alice", "wonderland");
	attempt("bob", "wrong");
	wrong = verdict;
	attempt("bob", "builder");
	assert_memory_equal(&verdict, &wrong, sizeof(wrong));
}

/* A user who is in may be asked again during a block of the address, but for no other name. */
static void a_block_holds_in_sessions_of_others(void **state)
{
	(void)state;
	attempt("alice", "wonderland");
	blocked = true;
	attempt("alice", "wonderland");
	assert_true(verdict.ok);
	attempt("bob", "builder");
	assert_false(verdict.ok);
	assert_false(verdict.retry);
	attempt("bob", "wrong");
	assert_false(verdict.retry);
	assert_int_equal(failures, 0);
	attempt("alice", "wrong");
	assert_false(verdict.ok);
}

static void a_block_tells_a_stranger_nothing(void **state)
{
	(void)state;
	blocked = true;
	attempt("alice", "wonderland");
	assert_false(verdict.ok);
	assert_int_equal(verdict.error, 691);
	assert_false(verdict.retry);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, start, end)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_user_of_a_session_learns_nothing_of_other_passwords),
		TEST(a_right_password_of_another_who_must_change_it_is_not_told_either),
		TEST(a_block_holds_in_sessions_of_others),
		TEST(a_block_tells_a_stranger_nothing),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
