/* Authentication phase of a PPP link (RFC 1661 3.5): the glue to CHAP. */
#include "lib/ppp/frame.h"
#include "lib/ppp/link_internal.h"

static void send_chap(void *user, const uint8_t *packet, size_t len)
{
	struct ppp_link *l = user;

	l->ops->send(l->user, PPP_CHAP, packet, len);
}

static void get_random(void *user, void *buf, size_t len)
{
	struct ppp_link *l = user;

	l->ops->random(l->user, buf, len);
}

static void judge(void *user, const struct ppp_auth_request *request)
{
	struct ppp_link *l = user;

	l->ops->judge(l->user, request);
}

static void done(void *user, bool ok, enum pptp_reason reason, const uint8_t master_key[16],
	const char *detail)
{
	struct ppp_link *l = user;

	if (!ok) {
		link_end(l, LINK_END, reason, detail);
		return;
	}
	memcpy(l->master_key, master_key, sizeof(l->master_key));
	l->have_key = true;
	l->authenticated = true;
	l->pending |= LINK_AUTH_OK;
}

static const struct chap_ops ops = {
	.send = send_chap,
	.random = get_random,
	.judge = judge,
	.done = done,
};

void link_auth_start(struct ppp_link *l)
{
	l->auth_running = true;
	if (l->role == PPP_SERVER)
		chap_start_authenticator(&l->chap, l->name, &ops, l, l->now);
	else
		chap_start_peer(&l->chap, l->name, l->nt_hash, &ops, l, l->now);
}

/* LCP is down; who it was stays known for the report. */
void link_auth_stop(struct ppp_link *l)
{
	char name[CHAP_NAME_MAX + 1];

	memcpy(name, l->chap.request.name, sizeof(name));
	chap_done(&l->chap);
	memcpy(l->chap.request.name, name, sizeof(name));
	l->auth_running = false;
	explicit_bzero(l->master_key, sizeof(l->master_key));
	l->have_key = false;
}

void link_auth_wipe(struct ppp_link *l)
{
	link_auth_stop(l);
	explicit_bzero(l->nt_hash, sizeof(l->nt_hash));
}
