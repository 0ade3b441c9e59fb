/*
 * Authentication phase of a PPP link (RFC 1661 3.5): the glue to CHAP, PAP and EAP.
 *
 * What a method needs is several times as much as all the rest of a link, so it is there only while it
 * may be used. Invariant: of l->chap, l->pap and l->eap at most one is not NULL, that of l->auth.
 */
#include "lib/ppp/frame.h"
#include "lib/ppp/link_internal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PROOF_AGAIN       1000000u /* us until a proof is tried again that could not be asked for */
#define OTHER_NAME        "the client gave another name when it was asked again"
#define OTHER_CERTIFICATE "the client showed another user's certificate when it was asked again"

uint16_t link_auth_protocol(const struct ppp_link *l)
{
	if (ppp_auth_is_eap(l->auth))
		return PPP_EAP;
	return l->auth == PPP_AUTH_PAP ? PPP_PAP : PPP_CHAP;
}

static void send(void *user, const uint8_t *packet, size_t len)
{
	struct ppp_link *l = user;

	l->ops->send(l->user, link_auth_protocol(l), packet, len);
}

static void get_random(void *user, void *buf, size_t len)
{
	struct ppp_link *l = user;

	l->ops->random(l->user, buf, len);
}

/* That of the account, which need not be what the other end called itself. */
static void set_peer_name(struct ppp_link *l, const char *name)
{
	link_keep(&l->peer_name, name, strnlen(name, CHAP_NAME_MAX));
}

/* Is that the name of who has proven himself? Whose name there was no memory for is nobody. */
static bool is_peer(const struct ppp_link *l, const char *name)
{
	return l->peer_name ? !strcmp(l->peer_name, name) : !*name;
}

/* A certificate: what the client calls itself besides chooses nothing any more, nor is it told. */
static void judge_again(struct ppp_link *l, const struct ppp_auth_request *request)
{
	struct ppp_auth_request again = *request;

	snprintf(again.name, sizeof(again.name), "%s", l->peer_name ? l->peer_name : "");
	l->ops->judge(l->user, &again);
}

static void judge(void *user, const struct ppp_auth_request *request)
{
	static const struct ppp_auth_verdict no = { .error = 691 };
	struct ppp_link *l = user;

	if (l->authenticated && request->certificate) {
		judge_again(l, request);
		return;
	}
	/* Who it is was proven once: another name is another's session. */
	if (l->authenticated && !is_peer(l, request->name)) {
		link_end(l, LINK_END, PPTP_AUTH_FAILED, OTHER_NAME);
		link_auth_verdict(l, &no);
		return;
	}
	if (!l->authenticated)
		set_peer_name(l, request->name);
	l->ops->judge(l->user, request);
}

static void done(void *user, bool ok, enum pptp_reason reason, const struct mppe_material *keys,
	const char *detail)
{
	struct ppp_link *l = user;

	if (!ok) {
		link_end(l, LINK_END, reason, detail);
		return;
	}
	l->keys = *keys;
	l->have_key = keys->source != MPPE_NO_KEYS;
	if (ppp_auth_is_eap(l->auth))
		l->auth = eap_auth_method(l->eap);
	if (l->role == PPP_CLIENT && ppp_auth_is_eap(l->auth))
		set_peer_name(l, l->eap->identity);
	else if (l->role == PPP_CLIENT && l->auth != PPP_AUTH_PAP)
		set_peer_name(l, l->chap->request.name);
	l->authenticated = true;
	l->pending |= LINK_AUTH_OK;
	if (l->reauthenticate && l->auth != PPP_AUTH_PAP)
		l->proof_deadline = l->now + l->reauthenticate;
}

/* Its place stays: a method's copy of the secret may name it. */
static void wipe_password(struct ppp_link *l)
{
	if (l->client->password)
		explicit_bzero(l->client->password, strlen(l->client->password));
}

/* For whatever is authenticated later in this link, too: after LCP was negotiated again. */
static void new_password(void *user, bool changed)
{
	struct ppp_link *l = user;

	wipe_password(l);
	l->client->secret = (struct ppp_secret){ 0 };
	memcpy(l->client->secret.nt_hash, l->client->change->nt_hash,
		sizeof(l->client->secret.nt_hash));
	link_auth_forget_change(l);
	if (l->ops->new_password)
		l->ops->new_password(l->user, changed);
}

/* Words of the other end, before it has proven anything. */
static void notice(void *user, const char *text)
{
	link_log(user, PPP_LOG_INFO, "the server notifies: %s", text);
}

static const struct tls_engine *tls(void *user)
{
	struct ppp_link *l = user;

	return l->tls;
}

static const struct chap_ops ops = {
	.send = send,
	.random = get_random,
	.judge = judge,
	.done = done,
	.new_password = new_password,
	.notice = notice,
	.tls = tls,
};

static void start_eap(struct ppp_link *l)
{
	uint16_t mtu = l->lcp.peer.mru < l->mru ? l->lcp.peer.mru : l->mru;

	if (l->role == PPP_SERVER)
		eap_start_authenticator(
			l->eap, &l->lcp.config.demand, l->name, mtu, &ops, l, l->now);
	else
		eap_start_peer(l->eap, &l->lcp.config.accept, l->name, &l->client->secret, mtu,
			&ops, l, l->now);
	eap_set_peap(l->eap, l->anonymous, l->binding_optional);
	if (l->client)
		eap_set_change(l->eap, l->client->change);
}

static void start_chap_peer(struct ppp_link *l)
{
	chap_start_peer(l->chap, l->auth, l->name, &l->client->secret, &ops, l, l->now);
	chap_set_change(l->chap, l->client->change);
}

static bool make_method(struct ppp_link *l)
{
	if (ppp_auth_is_eap(l->auth))
		l->eap = calloc(1, sizeof(*l->eap));
	else if (l->auth == PPP_AUTH_PAP)
		l->pap = calloc(1, sizeof(*l->pap));
	else
		l->chap = calloc(1, sizeof(*l->chap));
	return l->eap || l->pap || l->chap;
}

/* Each wipes what it has. */
static void free_method(struct ppp_link *l)
{
	if (l->chap)
		chap_done(l->chap);
	if (l->pap)
		pap_done(l->pap);
	if (l->eap) {
		l->handshake |= eap_handshake(l->eap);
		eap_done(l->eap);
	}
	free(l->chap);
	free(l->pap);
	free(l->eap);
	l->chap = NULL;
	l->pap = NULL;
	l->eap = NULL;
}

void link_auth_start(struct ppp_link *l)
{
	bool server = l->role == PPP_SERVER;

	l->auth_running = true;
	l->auth = server ? l->lcp.demanded : l->lcp.peer.auth;
	set_peer_name(l, "");
	free_method(l);
	if (!make_method(l)) {
		link_end(l, LINK_END, PPTP_NO_RESOURCES, "out of memory");
		return;
	}
	if (l->eap)
		start_eap(l);
	else if (l->pap && server)
		pap_start_authenticator(l->pap, &ops, l, l->now);
	else if (l->pap)
		pap_start_peer(l->pap, l->name, l->client->password ? l->client->password : "",
			&ops, l, l->now);
	else if (server)
		chap_start_authenticator(l->chap, l->auth, l->name, &ops, l, l->now);
	else
		start_chap_peer(l);
}

void link_auth_settled(struct ppp_link *l)
{
	if (l->role == PPP_SERVER && l->authenticated && !l->reauthenticate)
		free_method(l);
}

/*
 * A proof that is still under way is not disturbed: the next one comes in its time. Nor is a client
 * that may still be waiting for its first Success, for it would take its keys from the second
 * exchange: only where data passes has it got that. A proof that is put off for that comes as soon as it
 * does: a pause at the right moment would evade it.
 */
void link_auth_again(struct ppp_link *l)
{
	bool up = link_is_up(l);

	l->proof_deadline = l->now + (up ? l->reauthenticate : PROOF_AGAIN);
	if (!l->auth_running || !l->authenticated || !up)
		return;
	if (l->eap)
		eap_authenticate_again(l->eap, l->now);
	else if (l->chap)
		chap_challenge_again(l->chap, l->now);
}

/* LCP is down; who it was stays known for the report. */
void link_auth_stop(struct ppp_link *l)
{
	free_method(l);
	l->auth_running = false;
	l->proof_deadline = UINT64_MAX;
	explicit_bzero(&l->keys, sizeof(l->keys));
	l->have_key = false;
}

void link_auth_forget_change(struct ppp_link *l)
{
	struct link_client *client = l->client;

	if (client->change)
		explicit_bzero(client->change, sizeof(*client->change));
	free(client->change);
	client->change = NULL;
}

void link_auth_wipe(struct ppp_link *l)
{
	link_auth_stop(l);
	if (!l->client)
		return;
	link_auth_forget_change(l);
	wipe_password(l);
	free(l->client->password);
	explicit_bzero(l->client, sizeof(*l->client));
	free(l->client);
	l->client = NULL;
}

/*
 * Of a method that was not agreed on: rejected, as any unknown protocol. What comes for one that is
 * over is a Response sent again, whose answer has come through.
 */
void link_auth_receive(struct ppp_link *l, uint16_t number, const uint8_t *info, size_t len)
{
	if (!l->auth_running || number != link_auth_protocol(l))
		lcp_reject_protocol(&l->lcp, number, info, len);
	else if (l->eap)
		eap_receive(l->eap, info, len, l->now);
	else if (l->pap)
		pap_receive(l->pap, info, len, l->now);
	else if (l->chap)
		chap_receive(l->chap, info, len, l->now);
}

void link_auth_implied(struct ppp_link *l)
{
	if (l->eap && l->auth_running && !l->authenticated)
		eap_implied_success(l->eap);
}

void link_auth_tick(struct ppp_link *l)
{
	if (l->eap)
		eap_tick(l->eap, l->now);
	else if (l->pap)
		pap_tick(l->pap, l->now);
	else if (l->chap)
		chap_tick(l->chap, l->now);
}

uint64_t link_auth_deadline(const struct ppp_link *l)
{
	if (!l->auth_running)
		return UINT64_MAX;
	if (l->eap)
		return l->eap->deadline;
	if (l->pap)
		return l->pap->deadline;
	return l->chap ? l->chap->deadline : UINT64_MAX;
}

bool link_auth_judging(const struct ppp_link *l)
{
	if (!l->auth_running || l->role != PPP_SERVER)
		return false;
	if (l->eap)
		return l->eap->state == EAP_JUDGING;
	if (l->pap)
		return l->pap->state == PAP_JUDGING;
	return l->chap && l->chap->state == CHAP_JUDGING;
}

bool link_auth_failed_once(const struct ppp_link *l)
{
	if (l->eap)
		return l->eap->attempts > 0;
	return l->chap && l->chap->attempts > 0;
}

void link_auth_verdict(struct ppp_link *l, const struct ppp_auth_verdict *verdict)
{
	static const struct ppp_auth_verdict no = { .error = 691 };

	if (verdict->ok && verdict->user && l->authenticated && !is_peer(l, verdict->user)) {
		link_end(l, LINK_END, PPTP_AUTH_FAILED, OTHER_CERTIFICATE);
		verdict = &no;
	}
	if (verdict->ok && verdict->user)
		set_peer_name(l, verdict->user);
	if (l->eap)
		eap_verdict(l->eap, verdict, l->now);
	else if (l->pap)
		pap_verdict(l->pap, verdict, l->now);
	else if (l->chap)
		chap_verdict(l->chap, verdict, l->now);
}
