/*
 * Why a control connection, a call or a session ended: one enum, one table of texts, used from the
 * library to the log, the control socket, JSON output and the exit status of `greyline connect`.
 */
#pragma once

/* X(NAME, "stable-name", CLASS, "text for people") */
#define PPTP_REASONS(X)                                                                            \
	X(NONE, "none", USER, "not ended")                                                         \
	X(LOCAL_REQUEST, "local-request", USER, "closed here by request")                          \
	X(PEER_REQUEST, "peer-request", USER, "closed by the peer")                                \
	X(ADMIN, "admin", USER, "disconnected by the administrator")                               \
	X(SHUTDOWN, "shutdown", USER, "this end is shutting down")                                 \
	X(RESOLVE, "resolve", TCP, "the server's name does not resolve")                           \
	X(TCP_REFUSED, "tcp-refused", TCP,                                                         \
		"TCP port 1723 is closed on the server (connection refused)")                      \
	X(TCP_UNREACHABLE, "tcp-unreachable", TCP, "there is no route to the server")              \
	X(TCP_TIMEOUT, "tcp-timeout", TCP,                                                         \
		"no answer from TCP port 1723 (server down, or a firewall drops it)")              \
	X(TCP_CLOSED, "tcp-closed", PEER,                                                          \
		"the peer closed the TCP connection without a Stop message")                       \
	X(TCP_ERROR, "tcp-error", PEER, "the TCP connection failed")                               \
	X(CONTROL_MALFORMED, "control-malformed", PEER,                                            \
		"the peer sent a malformed control message")                                       \
	X(CONTROL_UNEXPECTED, "control-unexpected", PEER,                                          \
		"the peer sent a control message that is illegal in this state")                   \
	X(CONTROL_TIMEOUT, "control-timeout", PEER,                                                \
		"the peer did not answer a control message within 60 seconds")                     \
	X(CONTROL_VERSION, "control-version", PEER, "the peer's PPTP version is not supported")    \
	X(CONTROL_REFUSED, "control-refused", PEER, "the peer refused the control connection")     \
	X(CONTROL_ECHO_TIMEOUT, "control-echo-timeout", PEER,                                      \
		"the peer stopped answering Echo-Requests on the control connection")              \
	X(CONTROL_COLLISION, "control-collision", PEER,                                            \
		"another control connection with the same peer goes on instead")                   \
	X(CALL_REFUSED, "call-refused", PEER, "the peer refused the call")                         \
	X(CALL_BUSY, "call-busy", PEER, "the number called is busy")                               \
	X(CALL_NO_CARRIER, "call-no-carrier", PEER, "no carrier was detected on the line")         \
	X(CALL_NO_DIAL_TONE, "call-no-dial-tone", PEER, "there is no dial tone on the line")       \
	X(CALL_TIME_OUT, "call-time-out", PEER, "the call was not answered in time")               \
	X(CALL_PROHIBITED, "call-prohibited", PEER,                                                \
		"the peer does not accept the call (administratively prohibited)")                 \
	X(LOST_CARRIER, "lost-carrier", PEER, "the line lost its carrier")                         \
	X(CALL_LIMIT, "call-limit", PEER, "a limit on calls or connections is reached")            \
	X(GRE_SILENT, "gre-silent", GRE,                                                           \
		"GRE packets do not get through (IP protocol 47 is blocked on the path, or a "     \
		"NAT router lacks PPTP support)")                                                  \
	X(LCP_TIMEOUT, "lcp-timeout", PEER,                                                        \
		"GRE works, but the peer did not finish LCP negotiation")                          \
	X(LCP_FAILED, "lcp-failed", PEER, "no agreement on LCP options")                           \
	X(LCP_LOOPBACK, "lcp-loopback", PEER, "the link is looped back (own magic number seen)")   \
	X(LCP_ECHO_TIMEOUT, "lcp-echo-timeout", PEER, "the peer stopped answering LCP echoes")     \
	X(PPP_TERMINATED, "ppp-terminated", USER, "the peer ended the PPP link")                   \
	X(AUTH_NO_METHOD, "auth-no-method", POLICY,                                                \
		"no authentication method that both ends allow")                                   \
	X(AUTH_FAILED, "auth-failed", AUTH, "wrong user name or password")                         \
	X(AUTH_RESTRICTED, "auth-restricted", AUTH,                                                \
		"the account may not log on (disabled, expired, or outside its hours)")            \
	X(AUTH_PEER_UNPROVEN, "auth-peer-unproven", AUTH,                                          \
		"the server did not prove that it knows the password (impostor?)")                 \
	X(AUTH_CERTIFICATE, "auth-certificate", AUTH,                                              \
		"no agreement on TLS: a certificate, this end's or the other's, was refused")      \
	X(AUTH_TIMEOUT, "auth-timeout", PEER, "authentication was not finished in time")           \
	X(MPPE_REFUSED, "mppe-refused", POLICY,                                                    \
		"encryption is required here, but the peer does not agree to it")                  \
	X(MPPE_REQUIRED_BY_PEER, "mppe-required-by-peer", POLICY,                                  \
		"the peer requires encryption that this end does not allow")                       \
	X(MPPE_DESYNC, "mppe-desync", PEER, "encryption fell out of step and could not be mended") \
	X(CCP_TIMEOUT, "ccp-timeout", PEER, "the peer did not finish CCP negotiation")             \
	X(NO_NETWORK, "no-network", PEER, "no network protocol could be agreed on (IPCP failed)")  \
	X(IPCP_TIMEOUT, "ipcp-timeout", PEER, "the peer did not finish IPCP negotiation")          \
	X(NO_ADDRESS, "no-address", PEER, "the address pool is empty")                             \
	X(IDLE_TIMEOUT, "idle-timeout", USER, "idle for too long")                                 \
	X(SESSION_TIMEOUT, "session-timeout", USER, "the allowed session time is over")            \
	X(NO_RESOURCES, "no-resources", PEER, "out of memory or descriptors")                      \
	X(SYSTEM, "system", PEER, "a system call failed")

enum pptp_reason {
#define X(name, token, class, text) PPTP_##name,
	PPTP_REASONS(X)
#undef X
		PPTP_REASON_COUNT
};

/* What kind of failure it is; the value is the exit status of `greyline connect`. */
enum pptp_reason_class {
	PPTP_CLASS_USER = 0,
	PPTP_CLASS_TCP = 3,
	PPTP_CLASS_GRE = 4,
	PPTP_CLASS_AUTH = 5,
	PPTP_CLASS_POLICY = 6,
	PPTP_CLASS_PEER = 7,
};

/* Text for people, without a full stop. Never NULL. */
const char *pptp_reason_text(enum pptp_reason reason);

/* Stable name for JSON, metrics and scripts, as "lcp-timeout". Never NULL. */
const char *pptp_reason_name(enum pptp_reason reason);

enum pptp_reason_class pptp_reason_class(enum pptp_reason reason);
