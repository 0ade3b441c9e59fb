/*
 * A socket of its own for what a worker sends: raw, for GRE, set up as the one that receives, but it receives
 * nothing, and no epoll watches it while there is room.
 *
 * It costs the kernel less for each packet: nobody has to be told that one has left, and who gets most needs
 * neither address nor source. Headers of our own (IP_HDRINCL) would save another 100 ns (the sum of the payload)
 * where peers are behind a router, but for neighbours on the link the kernel makes a route for each such packet.
 */
#pragma once

#include <netinet/in.h>
#include <stdbool.h>

/* So many packets are a poll. */
#define SENDER_REVIEW 4096u

struct sender {
	int fd; /* -1: there is none, and packets go by the socket that receives */
	int like;
	struct in_addr from, to; /* it is connected so; to 0: it is not */
	/* Who most of the last packets were for, if to anybody: a vote that each packet has. */
	struct in_addr most_from, most_to;
	unsigned int votes, packets;
};

/*
 * One that sends as `gre_fd` does. There is none if that is no raw socket for GRE, or if the kernel refuses.
 */
void sender_open(struct sender *s, int gre_fd);
void sender_close(struct sender *s);

/*
 * One more packet goes so: it needs neither address nor source if true, for the socket is connected so.
 */
static inline bool sender_is_connected(struct sender *s, struct in_addr from, struct in_addr to)
{
	s->packets++;
	if (to.s_addr == s->most_to.s_addr && from.s_addr == s->most_from.s_addr) {
		s->votes++;
	} else if (s->votes) {
		s->votes--;
	} else {
		s->most_from = from;
		s->most_to = to;
	}
	return to.s_addr == s->to.s_addr && from.s_addr == s->from.s_addr;
}

/*
 * Now and then, when nothing waits to be sent: is it connected to whom most goes to? What is sent to others
 * still is.
 */
void sender_review(struct sender *s);
static inline bool sender_wants_review(const struct sender *s)
{
	return s->packets >= SENDER_REVIEW;
}
