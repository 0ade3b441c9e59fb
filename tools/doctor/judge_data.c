/* A tunnel that is up, and does not work well: see judge.h. */
#include "tools/doctor/judge.h"

#include <inttypes.h>

#define LOSS_MIN     5 /* packets */
#define LOSS_PERCENT 3
#define LATE_MIN     3
#define OUTER_HEAD   36   /* IPv4 and GRE with both numbers */
#define OUTER_MTU    1500 /* Ethernet's: above it fragments are made */
#define AGAIN_MIN    4    /* transmissions of one segment */
#define NONSENSE_MIN 3

static bool out_of_step(struct judge *j, const struct observe_call *call, unsigned int i)
{
	const struct observe_side *s = &call->side[i], *peer = &call->side[1 - i];
	char name[JUDGE_NAME], frames[JUDGE_FRAMES];

	judge_name(call, i, name);
	if (s->garbage.count)
		findings_add(&j->findings, FINDING_MPPE_DESYNC,
			"%s rejects protocols that nobody sent: it decrypts to nonsense (%s)", name,
			judge_frames(&s->garbage, frames));
	else if (s->broken.count >= NONSENSE_MIN)
		findings_add(&j->findings, FINDING_MPPE_DESYNC,
			"what %s encrypts decrypts to nonsense, by the keys of this log-on (%s)",
			name, judge_frames(&s->broken, frames));
	else if (s->miscounted.count >= NONSENSE_MIN &&
		 s->miscounted.count * 2 > s->encrypted.count) /* else the PAC's line loses some */
		findings_add(&j->findings, FINDING_MPPE_DESYNC,
			"MPPE's counts in the packets of %s do not go up as the packets do (%s): "
			"something "
			"on the way changes them, or that end is broken",
			name, judge_frames(&s->miscounted, frames));
	else if (call->mppe_up && s->reset_request.count >= JUDGE_TRIES &&
		 peer->reset_ack.count * 2 < s->reset_request.count && !peer->encrypted.count)
		findings_add(&j->findings, FINDING_MPPE_DESYNC,
			"%s asks for a reset of encryption and gets none (%s)", name,
			judge_frames(&s->reset_request, frames));
	else
		return false;
	return true;
}

static bool path_is_told(const struct observe *o, const struct observe_call *call)
{
	for (unsigned int i = 0; i < o->icmp_count; i++) {
		const struct observe_icmp *at = &o->icmp[i];

		if (at->type == 3 && at->code == 4 &&
			(at->dst == call->side[0].address || at->dst == call->side[1].address))
			return true;
	}
	return false;
}

/* Large packets of one end never arrive, small ones do. */
static void too_large(
	struct judge *j, const struct observe *o, const struct observe_call *call, unsigned int i)
{
	const struct observe_side *s = &call->side[i];
	const struct observe_sizes *z = &s->sizes;
	char name[JUDGE_NAME], frames[JUDGE_FRAMES];

	if (path_is_told(o, call))
		return;
	judge_name(call, i, name);
	if (z->large_lost.count >= JUDGE_TRIES && z->small_arrived >= JUDGE_TRIES &&
		z->largest_arrived < z->smallest_lost &&
		z->small_lost * 2 < z->large_lost.count) { /* else nothing at all arrives */
		findings_add(&j->findings,
			z->largest_lost + OUTER_HEAD > OUTER_MTU ? FINDING_FRAGMENTS
								 : FINDING_MTU_BLACKHOLE,
			"PPP frames of %s with %zu octets and more are never acknowledged (%s), "
			"those up to %zu are",
			name, z->smallest_lost, judge_frames(&z->large_lost, frames),
			z->largest_arrived);
	}
	for (unsigned int k = 0; k < OBSERVE_FLOWS; k++) {
		const struct observe_flow *f = &s->flows[k];

		if (f->again.count < AGAIN_MIN || f->len < OBSERVE_LARGE ||
			f->again.last_time < f->again.first_time + JUDGE_WAIT)
			continue;
		/* An overlong segment has been told of already, as what it is. */
		if (findings_have(&j->findings, FINDING_FRAGMENTS))
			break;
		findings_add(&j->findings, FINDING_MTU_BLACKHOLE,
			"inside, %s sends the same TCP segment of %zu octets again and again (%s)",
			name, f->len, judge_frames(&f->again, frames));
		return;
	}
}

static void path_quality(struct judge *j, const struct observe_call *call, unsigned int i)
{
	const struct observe_side *s = &call->side[i];
	uint64_t all = s->frames.count + s->lost;
	char name[JUDGE_NAME], frames[JUDGE_FRAMES];

	judge_name(call, i, name);
	if (s->lost >= LOSS_MIN && s->lost * 100 >= all * LOSS_PERCENT)
		findings_add(&j->findings, FINDING_LOSS,
			"%" PRIu64 " of %" PRIu64 " packets of %s are missing here (frames %" PRIu64
			" to %" PRIu64 ")",
			s->lost, all, name, s->frames.first_frame, s->frames.last_frame);
	if (s->late_beyond >= LATE_MIN && s->late.count * 100 >= all)
		findings_add(&j->findings, FINDING_REORDER,
			"%u of %" PRIu64
			" packets of %s come late (%s), up to %u numbers and %.1f ms: more than "
			"the other end's window of %u, or its patience",
			s->late.count, all, name, judge_frames(&s->late, frames), s->late_distance,
			(double)s->late_time / 1e3, call->side[1 - i].window);
}

static bool echo_silent(struct judge *j, const struct observe_call *call, unsigned int i)
{
	const struct observe_side *s = &call->side[i];
	char name[JUDGE_NAME], other[JUDGE_NAME];

	if (s->echo_unanswered < JUDGE_TRIES)
		return false;
	findings_add(&j->findings, FINDING_ECHO,
		"%s does not answer the last %u LCP Echo-Requests of %s (frames %" PRIu64
		" to %" PRIu64 ")",
		judge_name(call, 1 - i, other), s->echo_unanswered, judge_name(call, i, name),
		s->echo_first, s->echo_request.last_frame);
	return true;
}

bool judge_data(struct judge *j, const struct observe *o, const struct observe_call *call)
{
	bool ended = false;

	if (!call->up && call->from_control)
		return false;
	for (unsigned int i = 0; i < 2; i++) {
		ended |= out_of_step(j, call, i);
		too_large(j, o, call, i);
		path_quality(j, call, i);
		ended |= echo_silent(j, call, i);
	}
	return ended;
}
