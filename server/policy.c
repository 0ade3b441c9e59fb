/* The administrator's say about calls: see policy.h. */
#include "server/policy.h"

#include "server/server_internal.h"
#include "system/clock.h"
#include "system/log.h"

#include <arpa/inet.h>
#include <string.h>

static struct server *server_of(const struct session *s)
{
	return s->owner;
}

static void add_address(struct hook_env *e, const char *name, in_addr_t addr)
{
	char text[INET_ADDRSTRLEN] = "";

	if (addr)
		inet_ntop(AF_INET, &addr, text, sizeof(text));
	hook_env_add(e, name, text);
}

static void add_text(struct hook_env *e, const char *name, const char *text)
{
	hook_env_add_bytes(e, name, text, strlen(text));
}

static void describe(struct hook_env *e, const char *event, const struct session *s)
{
	static const char *const directions[] = { [SESSION_DIALLED] = "outgoing",
		[SESSION_TAKEN] = "outgoing",
		[SESSION_ACCEPTED] = "incoming",
		[SESSION_OFFERED] = "incoming" };

	hook_env_init(e);
	hook_env_add(e, "EVENT", event);
	hook_env_add_number(e, "SESSION", s->id);
	hook_env_add(e, "DIRECTION", directions[s->kind]);
	hook_env_add(e, "LINE", s->line->ops->kind);
	add_address(e, "PEER", s->peer.s_addr);
	add_address(e, "LOCAL", s->local.s_addr);
	add_text(e, "CALLED", s->asked->number);
	add_text(e, "CALLING", s->asked->calling);
	add_text(e, "SUBADDRESS", s->asked->subaddress);
	hook_env_add_number(e, "BEARER", s->asked->bearer);
	hook_env_add_number(e, "SPEED", s->speed);
	hook_env_add(e, "USER", s->user);
	add_address(e, "ADDRESS", s->net.remote);
	hook_env_add(e, "DEVICE", server_of(s)->network.dev);
}

static void on_answer(void *user, uint32_t id, bool yes)
{
	struct server *server = user;
	struct session *s = hub_find(&server->hub, id);
	struct line_failure failure = { .result = CONTROL_OUTGOING_DO_NOT_ACCEPT,
		.cause = LINE_CAUSE_REJECTED };

	if (!s)
		return;
	if (!yes && server_may_log(server, SERVER_LOG_REFUSED))
		log_about(LOG_INFO, s->subject, "the hook refuses the call");
	session_admit(s, yes ? NULL : &failure);
}

int policy_admit(struct session *s, struct line_failure *failure)
{
	struct server *server = server_of(s);
	struct hook_env env;

	if (!hooks_enabled(&server->hooks))
		return 1;
	describe(&env, "call", s);
	if (hooks_ask(&server->hooks, &env, on_answer, server, s->id))
		return 0;
	if (server_may_log(server, SERVER_LOG_REFUSED))
		log_about(LOG_WARNING, s->subject, "call refused: the hook cannot be asked");
	failure->result = CONTROL_OUTGOING_GENERAL_ERROR;
	failure->error = CONTROL_ERROR_NO_RESOURCE;
	return -1;
}

void policy_up(struct session *s)
{
	struct server *server = server_of(s);
	struct hook_env env;

	if (!hooks_enabled(&server->hooks))
		return;
	describe(&env, "up", s);
	hooks_tell(&server->hooks, &env, s->id);
}

void policy_down(struct session *s, enum pptp_reason reason)
{
	struct server *server = server_of(s);
	struct tunnel_stats stats;
	struct hook_env env;

	if (!hooks_enabled(&server->hooks) || !s->up_at)
		return;
	session_stats(s, &stats);
	describe(&env, "down", s);
	hook_env_add(&env, "REASON", pptp_reason_name(reason));
	hook_env_add_number(&env, "SECONDS", (clock_now() - s->up_at) / 1000000);
	hook_env_add_number(&env, "RX_BYTES", stats.rx_bytes);
	hook_env_add_number(&env, "TX_BYTES", stats.tx_bytes);
	hooks_tell(&server->hooks, &env, s->id);
}

/* Is it in the list, or is there no list? "" in a list stands for a call without a number. */
static bool in_list(char *const *list, const char *number)
{
	if (!list)
		return true;
	for (; *list; list++) {
		if (!strcmp(*list, number))
			return true;
	}
	return false;
}

bool policy_numbers(const struct account *a, const struct session *s)
{
	return in_list(a->calling_numbers, s->asked->calling) &&
	       in_list(a->called_numbers, s->asked->number);
}
