/* What the path to a session's peer carries: see mtu.h. */
#include "session/mtu.h"

#include "lib/ppp/lcp.h"
#include "system/clock.h"
#include "system/log.h"
#include "system/path.h"

/* The kernel forgets after ten minutes what routers said, and nobody tells when a path grows. */
#define AGAIN 300000000ull /* us */

/* The outer MTU; 0: not known, or of no matter. */
static int outer_mtu(struct in_addr peer, struct in_addr local, const struct session_config *config,
	const struct session_terms *terms)
{
	int mtu;

	if (config->fragment)
		return 0;
	mtu = path_mtu(peer, local);
	if (terms->mtu_max && (mtu <= 0 || mtu > terms->mtu_max))
		mtu = terms->mtu_max;
	return mtu > 0 ? mtu : 0;
}

uint16_t mtu_announced(const struct connection *c, const struct session_config *config,
	const struct session_terms *terms)
{
	uint16_t fits = path_inner_mtu(outer_mtu(c->peer, c->local, config, terms));

	if (fits >= config->link.mru)
		return config->link.mru;
	return fits > LCP_MIN_MRU ? fits : LCP_MIN_MRU;
}

void mtu_update(struct session *s)
{
	int mtu = outer_mtu(s->peer, s->local, s->config, &s->terms);

	s->mtu_at = clock_now() + AGAIN;
	/* No way to the peer just now: what was known stays. */
	if (!mtu || mtu == s->mtu)
		return;
	if (s->mtu)
		log_info("%s: the path to the peer carries %d octets now (before: %u)", s->subject,
			mtu, s->mtu);
	s->mtu = (uint16_t)mtu;
	dp_session_set_path(s->hub->dp, s->dp, s->mtu);
}
