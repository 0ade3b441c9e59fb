/* What the man in the middle does: a line an edit, for mitm.c. To add one is to add a line. */
#pragma once

#include "lib/ppp/frame.h"
#include "lib/ppp/lcp.h"

enum kind {
	NOTHING,
	REPLACE,    /* an option of a Configure-Request has another value; its Ack is mended */
	REMOVE,     /* it is not there; the Ack is mended */
	NAK_IT,     /* an Ack becomes a Nak with this option, until the request has it so */
	REJECT_IT,  /* an Ack becomes a Reject of the option that it has */
	DROP,       /* no frame of the protocol, or with this code, gets through */
	BECOMES,    /* a frame becomes another, with the same identifier */
	INJECT,     /* another frame comes before it, while data passes */
	INJECT_NOW, /* so, from the beginning, once */
};

enum { TO_CLIENT = 1, TO_SERVER = 2, BOTH = 3 };

struct edit {
	const char *name;
	enum kind kind;
	unsigned int to;
	uint16_t protocol; /* of what is edited */
	uint8_t code;      /* 0: any */
	uint8_t type;      /* option; EAP's type, 0: any */
	uint16_t other;    /* INJECT, BECOMES: protocol */
	const char *bytes; /* hex: the option's value, or the packet (identifier: any) */
};

#define IP_PACKET "4500001400000000401100000a0000010a000002"

static const struct edit edits[] = {
	{ "nothing", NOTHING, 0, 0, 0, 0, 0, "" },
	/* LCP: who authenticates itself, and how */
	{ "no demand of authentication", REMOVE, TO_CLIENT, PPP_LCP, 1, LCP_AUTH, 0, "" },
	{ "PAP is demanded", REPLACE, TO_CLIENT, PPP_LCP, 1, LCP_AUTH, 0, "c023" },
	{ "MD5 is demanded", REPLACE, TO_CLIENT, PPP_LCP, 1, LCP_AUTH, 0, "c22305" },
	{ "MS-CHAP is demanded", REPLACE, TO_CLIENT, PPP_LCP, 1, LCP_AUTH, 0, "c22380" },
	{ "MS-CHAPv2 is demanded", REPLACE, TO_CLIENT, PPP_LCP, 1, LCP_AUTH, 0, "c22381" },
	{ "EAP is demanded", REPLACE, TO_CLIENT, PPP_LCP, 1, LCP_AUTH, 0, "c227" },
	{ "SPAP is demanded", REPLACE, TO_CLIENT, PPP_LCP, 1, LCP_AUTH, 0, "c027" },
	{ "the demand is Nak'd to PAP", NAK_IT, TO_SERVER, PPP_LCP, 2, LCP_AUTH, 0, "c023" },
	{ "the demand is Nak'd to MD5", NAK_IT, TO_SERVER, PPP_LCP, 2, LCP_AUTH, 0, "c22305" },
	{ "the demand is Nak'd to MS-CHAP", NAK_IT, TO_SERVER, PPP_LCP, 2, LCP_AUTH, 0, "c22380" },
	{ "the demand is Nak'd to EAP", NAK_IT, TO_SERVER, PPP_LCP, 2, LCP_AUTH, 0, "c227" },
	{ "the demand is rejected", REJECT_IT, TO_SERVER, PPP_LCP, 2, LCP_AUTH, 0, "" },
	{ "a smaller MRU", REPLACE, BOTH, PPP_LCP, 1, LCP_MRU, 0, "0080" },
	{ "the same magic number", REPLACE, BOTH, PPP_LCP, 1, LCP_MAGIC, 0, "00000007" },
	{ "callback is insisted on", NAK_IT, TO_CLIENT, PPP_LCP, 2, LCP_CALLBACK, 0, "06" },
	/* Authentication itself */
	{ "CHAP's answer is a success", BECOMES, TO_CLIENT, PPP_CHAP, 4, 0, PPP_CHAP, "03000004" },
	{ "CHAP's challenge is a success", BECOMES, TO_CLIENT, PPP_CHAP, 1, 0, PPP_CHAP,
		"03000004" },
	{ "CHAP's proof is missing", BECOMES, TO_CLIENT, PPP_CHAP, 3, 0, PPP_CHAP, "03000004" },
	{ "PAP's Nak is an Ack", BECOMES, TO_CLIENT, PPP_PAP, 3, 0, PPP_PAP, "0200000500" },
	{ "EAP's request is a success", BECOMES, TO_CLIENT, PPP_EAP, 1, 26, PPP_EAP, "03000004" },
	{ "EAP-TLS's request is a success", BECOMES, TO_CLIENT, PPP_EAP, 1, 13, PPP_EAP,
		"03000004" },
	{ "PEAP's request is a success", BECOMES, TO_CLIENT, PPP_EAP, 1, 25, PPP_EAP, "03000004" },
	{ "PEAP's request is one of MSCHAPv2", BECOMES, TO_CLIENT, PPP_EAP, 1, 25, PPP_EAP,
		"0100001f1a0100001a10000102030405060708090a0b0c0d0e0f73696d2d6d" },
	{ "PEAP's response is a Nak to MSCHAPv2", BECOMES, TO_SERVER, PPP_EAP, 2, 25, PPP_EAP,
		"02000006031a" },
	{ "PEAP's response is a Nak to MD5", BECOMES, TO_SERVER, PPP_EAP, 2, 25, PPP_EAP,
		"020000060304" },
	{ "EAP-TLS's response is a Nak to MD5", BECOMES, TO_SERVER, PPP_EAP, 2, 13, PPP_EAP,
		"020000060304" },
	{ "EAP-TLS's response is a Nak to MSCHAPv2", BECOMES, TO_SERVER, PPP_EAP, 2, 13, PPP_EAP,
		"02000006031a" },
	{ "PEAP asks for MD5", BECOMES, TO_CLIENT, PPP_EAP, 1, 25, PPP_EAP,
		"010000160410000102030405060708090a0b0c0d0e0f" },
	{ "EAP-TLS asks for MD5", BECOMES, TO_CLIENT, PPP_EAP, 1, 13, PPP_EAP,
		"010000160410000102030405060708090a0b0c0d0e0f" },
	{ "PEAP begins as EAP-TLS", BECOMES, TO_CLIENT, PPP_EAP, 1, 25, PPP_EAP, "010000060d20" },
	{ "EAP-TLS begins as PEAP", BECOMES, TO_CLIENT, PPP_EAP, 1, 13, PPP_EAP, "010000061920" },
	{ "EAP's failure is a success", BECOMES, TO_CLIENT, PPP_EAP, 4, 0, PPP_EAP, "03000004" },
	{ "EAP asks for MD5", BECOMES, TO_CLIENT, PPP_EAP, 1, 26, PPP_EAP,
		"010000160410000102030405060708090a0b0c0d0e0f" },
	{ "EAP's response is a Nak to MD5", BECOMES, TO_SERVER, PPP_EAP, 2, 26, PPP_EAP,
		"020000060304" },
	{ "EAP is rejected", BECOMES, BOTH, PPP_EAP, 0, 0, PPP_LCP, "08000006c227" },
	{ "CHAP is rejected", BECOMES, BOTH, PPP_CHAP, 0, 0, PPP_LCP, "08000006c223" },
	{ "PAP is rejected", BECOMES, BOTH, PPP_PAP, 0, 0, PPP_LCP, "08000006c023" },
	{ "IPCP instead of a proof", BECOMES, BOTH, PPP_CHAP, 0, 0, PPP_IPCP,
		"0100000a03060a000001" },
	/* CCP */
	{ "MPPE of 40 bits", REPLACE, BOTH, PPP_CCP, 1, 18, 0, "01000020" },
	{ "MPPE of 56 bits", REPLACE, BOTH, PPP_CCP, 1, 18, 0, "01000080" },
	{ "stateful MPPE", REPLACE, BOTH, PPP_CCP, 1, 18, 0, "00000040" },
	{ "MPPC instead of MPPE", REPLACE, BOTH, PPP_CCP, 1, 18, 0, "00000001" },
	{ "no bits of MPPE", REPLACE, BOTH, PPP_CCP, 1, 18, 0, "00000000" },
	{ "no MPPE to the server", REMOVE, TO_SERVER, PPP_CCP, 1, 18, 0, "" },
	{ "no MPPE to the client", REMOVE, TO_CLIENT, PPP_CCP, 1, 18, 0, "" },
	{ "no MPPE", REMOVE, BOTH, PPP_CCP, 1, 18, 0, "" },
	{ "MPPE is Nak'd to 40 bits", NAK_IT, BOTH, PPP_CCP, 2, 18, 0, "01000020" },
	{ "MPPE is Nak'd to nothing", NAK_IT, BOTH, PPP_CCP, 2, 18, 0, "00000000" },
	{ "MPPE is Nak'd to MPPC", NAK_IT, BOTH, PPP_CCP, 2, 18, 0, "00000001" },
	{ "MPPE is Nak'd to Deflate", NAK_IT, BOTH, PPP_CCP, 2, 26, 0, "7800" },
	{ "MPPE is Nak'd to BSD-Compress", NAK_IT, BOTH, PPP_CCP, 2, 21, 0, "2f" },
	{ "MPPE is rejected", REJECT_IT, BOTH, PPP_CCP, 2, 18, 0, "" },
	{ "CCP is lost", DROP, BOTH, PPP_CCP, 0, 0, 0, "" },
	{ "CCP's Acks are lost", DROP, BOTH, PPP_CCP, 2, 0, 0, "" },
	{ "CCP is lost one way", DROP, TO_SERVER, PPP_CCP, 0, 0, 0, "" },
	{ "CCP is rejected", BECOMES, BOTH, PPP_CCP, 0, 0, PPP_LCP, "0800000680fd" },
	{ "CCP is rejected by the client", BECOMES, TO_SERVER, PPP_CCP, 0, 0, PPP_LCP,
		"0800000680fd" },
	{ "CCP is terminated", BECOMES, BOTH, PPP_CCP, 1, 0, PPP_CCP, "05000004" },
	{ "CCP's requests are Terminate-Acks", BECOMES, BOTH, PPP_CCP, 1, 0, PPP_CCP, "06000004" },
	{ "CCP's Acks are Code-Rejects", BECOMES, BOTH, PPP_CCP, 2, 0, PPP_CCP,
		"0700000801000004" },
	/* While data passes */
	{ "CCP's Terminate-Request", INJECT, BOTH, 0, 0, 0, PPP_CCP, "05630004" },
	{ "CCP's Terminate-Ack", INJECT, BOTH, 0, 0, 0, PPP_CCP, "06630004" },
	{ "CCP's Protocol-Reject", INJECT, BOTH, 0, 0, 0, PPP_LCP, "0863000680fd" },
	{ "CCP without MPPE", INJECT, BOTH, 0, 0, 0, PPP_CCP, "01630004" },
	{ "CCP with weaker MPPE", INJECT, BOTH, 0, 0, 0, PPP_CCP, "0163000a120601000020" },
	{ "CCP with weaker MPPE, to the server", INJECT, TO_SERVER, 0, 0, 0, PPP_CCP,
		"0163000a120601000020" },
	{ "CCP with Deflate", INJECT, BOTH, 0, 0, 0, PPP_CCP, "016300081a047800" },
	{ "CCP with MPPC alone", INJECT, BOTH, 0, 0, 0, PPP_CCP, "0163000a120600000001" },
	{ "CCP's Reset-Request", INJECT, BOTH, 0, 0, 0, PPP_CCP, "0e630004" },
	{ "LCP's Terminate-Request", INJECT, BOTH, 0, 0, 0, PPP_LCP, "05630004" },
	{ "LCP's Terminate-Ack", INJECT, BOTH, 0, 0, 0, PPP_LCP, "06630004" },
	{ "LCP anew, to the client", INJECT, TO_CLIENT, 0, 0, 0, PPP_LCP, "0163000a050600000009" },
	{ "LCP anew, to the server", INJECT, TO_SERVER, 0, 0, 0, PPP_LCP, "01630004" },
	{ "LCP anew with PAP", INJECT, TO_CLIENT, 0, 0, 0, PPP_LCP, "016300080304c023" },
	{ "IP is rejected", INJECT, BOTH, 0, 0, 0, PPP_LCP, "086300060021" },
	{ "IPCP's Terminate-Request", INJECT, BOTH, 0, 0, 0, PPP_IPCP, "05630004" },
	{ "CHAP's Failure", INJECT, TO_CLIENT, 0, 0, 0, PPP_CHAP, "04010004" },
	{ "a new challenge", INJECT, TO_CLIENT, 0, 0, 0, PPP_CHAP,
		"016300190800010203040506070809000102030405060708" },
	{ "LCP's Code-Reject", INJECT, TO_CLIENT, 0, 0, 0, PPP_LCP, "0763000801000004" },
	{ "data in clear", INJECT, BOTH, 0, 0, 0, PPP_IP, IP_PACKET },
	{ "data that nobody encrypted", INJECT, BOTH, 0, 0, 0, PPP_COMP, "9000" IP_PACKET },
	/* Before anything else was said */
	{ "IPCP before authentication", INJECT_NOW, BOTH, 0, 0, 0, PPP_IPCP,
		"0101000a03060a000001" },
	{ "a success before a challenge", INJECT_NOW, TO_CLIENT, 0, 0, 0, PPP_CHAP, "03010004" },
	{ "LCP's Ack of anything", INJECT_NOW, BOTH, 0, 0, 0, PPP_LCP, "02010004" },
	{ "data before all", INJECT_NOW, BOTH, 0, 0, 0, PPP_IP, IP_PACKET },
};
