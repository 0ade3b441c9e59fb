/*
 * The option negotiation automaton of RFC 1661 section 4, as a data table that mirrors section 4.1; shared by
 * LCP and every NCP. It knows states, counters and the Restart timer; what is in the packets, its owner knows.
 *
 * Time is `now` in us. The owner's callbacks run inside automaton_event() and must not re-enter it.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

enum automaton_state { /* section 4.2, numbered as in 4.1 */
	PPP_INITIAL,
	PPP_STARTING,
	PPP_CLOSED,
	PPP_STOPPED,
	PPP_CLOSING,
	PPP_STOPPING,
	PPP_REQ_SENT,
	PPP_ACK_RCVD,
	PPP_ACK_SENT,
	PPP_OPENED,
	PPP_STATE_COUNT
};

enum automaton_event { /* section 4.3 */
	PPP_UP,
	PPP_DOWN,
	PPP_OPEN,
	PPP_CLOSE,
	PPP_TO_PLUS,
	PPP_TO_MINUS,
	PPP_RCR_PLUS,
	PPP_RCR_MINUS,
	PPP_RCA,
	PPP_RCN,
	PPP_RTR,
	PPP_RTA,
	PPP_RUC,
	PPP_RXJ_PLUS,
	PPP_RXJ_MINUS,
	PPP_RXR,
	PPP_EVENT_COUNT
};

enum automaton_action {        /* section 4.4, as bits; performed in this order */
	PPP_TLD = 1 << 0,      /* This-Layer-Down */
	PPP_IRC = 1 << 1,      /* Initialize-Restart-Count */
	PPP_ZRC = 1 << 2,      /* Zero-Restart-Count */
	PPP_SCR = 1 << 3,      /* Send-Configure-Request */
	PPP_SCA = 1 << 4,      /* Send-Configure-Ack */
	PPP_SCN = 1 << 5,      /* Send-Configure-Nak or -Reject */
	PPP_STR = 1 << 6,      /* Send-Terminate-Request */
	PPP_STA = 1 << 7,      /* Send-Terminate-Ack */
	PPP_SCJ = 1 << 8,      /* Send-Code-Reject */
	PPP_SER = 1 << 9,      /* Send-Echo-Reply */
	PPP_TLS = 1 << 10,     /* This-Layer-Started */
	PPP_TLU = 1 << 11,     /* This-Layer-Up */
	PPP_TLF = 1 << 12,     /* This-Layer-Finished */
	PPP_ILLEGAL = 1 << 15, /* the dash in the table */
};

struct automaton_cell {
	uint16_t actions;
	uint8_t next;
};

/* The table itself, [event][state], for tests and documentation. */
extern const struct automaton_cell automaton_table[PPP_EVENT_COUNT][PPP_STATE_COUNT];

struct automaton_ops {
	/* One action at a time, of TLD, SCR, SCA, SCN, STR, STA, SCJ, SER, TLS, TLU, TLF. */
	void (*action)(void *user, enum automaton_action action);
};

struct automaton {
	enum automaton_state state;
	const struct automaton_ops *ops;
	void *user;
	uint8_t restart_count;                /* remaining */
	uint8_t max_configure, max_terminate; /* section 4.6: 10, 2 */
	uint64_t restart_interval;            /* us; 3 s */
	uint64_t deadline;                    /* Restart timer; UINT64_MAX stopped */
	uint64_t now;
};

void automaton_init(struct automaton *a, const struct automaton_ops *ops, void *user);

/* Feeds an event. -EPROTO if it is illegal in this state (nothing changes). */
int automaton_event(struct automaton *a, enum automaton_event event, uint64_t now);

/* The Restart timer: feeds TO+ or TO- when it has run out. */
void automaton_tick(struct automaton *a, uint64_t now);

const char *automaton_state_name(enum automaton_state state); /* "Req-Sent" */
