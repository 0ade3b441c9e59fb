/*
 * Configuration files (libConfuse) and the options of the command line that mean the same. Errors
 * are one sentence with the file and line, or the option, and a hint at the key that was probably
 * meant.
 */
#pragma once

#include "lib/ppp/link.h"
#include "system/tun.h"

#include <confuse.h>
#include <netinet/in.h>

/* Reads a file into `cfg`. -1 with *why. */
int settings_file(cfg_t *cfg, const char *path, char *why);

/* "KEY=VALUE" of --set ("tls|ca=FILE": a key of a section); a list's values are separated by commas and replace those of the file. */
int settings_set(cfg_t *cfg, const char *assignment, char *why);

/* The same for an option of its own: `option` ("--listen") names it in errors. */
int settings_put(cfg_t *cfg, const char *option, const char *key, const char *value, char *why);
/* Appends to a list, for the second and later ones of an option that may be given several times. */
int settings_add(cfg_t *cfg, const char *option, const char *key, const char *value, char *why);

/* Parsers of values: 0, or -EINVAL. */
int settings_ipv4(const char *text, struct in_addr *addr);
/* Can it be whom to dial: a name, or an IPv4 address? -1 with *why. */
int settings_server(const char *text, char *why);
int settings_check_server(cfg_t *cfg, cfg_opt_t *opt);
/* Can it be the address of one host? Not 0.x, 127.x, multicast, reserved, broadcast. */
bool settings_is_host(struct in_addr addr);
/* ADDRESS/LEN (host bits must be 0) or ADDRESS alone (/32). */
int settings_cidr(const char *text, struct in_addr *prefix, unsigned int *len);
/* The same for IPv6 (/128 alone). */
int settings_cidr6(const char *text, struct in6_addr *prefix, unsigned int *len);
/* What both are made of: a network of AF_INET or AF_INET6 (`prefix`: in_addr, in6_addr), whatever its host bits. */
int settings_network(int family, const char *text, void *prefix, unsigned int *len);
/* A unicast address of other than link-local scope, which an end in a tunnel can have or reach. */
bool settings_is_host6(const struct in6_addr *addr);
#define SETTINGS_IPV6_MTU 1280 /* RFC 8200 section 5: a device with less has no IPv6 */
/* "off", "on", "alone". */
int settings_ipv6(const char *text, enum ppp_ipv6_policy *policy);
/* "require-128", "require", "prefer-128,stateful", "off" ...: words of require|prefer|off,
 * 40|56|128, stateless|stateful, separated by "-", "," or space. */
int settings_mppe(const char *text, struct ppp_mppe_config *mppe);

/* Checks for cfg_set_validate_func(): the value set last. They say what would be right. */
int settings_check_ipv4(cfg_t *cfg, cfg_opt_t *opt);
int settings_check_host(cfg_t *cfg, cfg_opt_t *opt); /* settings_is_host() */
int settings_check_cidr(cfg_t *cfg, cfg_opt_t *opt);
int settings_check_cidr6(cfg_t *cfg, cfg_opt_t *opt);    /* settings_is_host6(), too */
int settings_check_any_cidr(cfg_t *cfg, cfg_opt_t *opt); /* IPv4 or IPv6 */
int settings_check_host6(cfg_t *cfg, cfg_opt_t *opt);
int settings_check_ipv6(cfg_t *cfg, cfg_opt_t *opt);
int settings_check_mppe(cfg_t *cfg, cfg_opt_t *opt);
int settings_check_seconds(cfg_t *cfg, cfg_opt_t *opt); /* 1..86400 */
int settings_check_count(
	cfg_t *cfg, cfg_opt_t *opt); /* by the key's name: port, window, echo-failures, max-... */
/* For checks of several keys: the range of opt's name, or that of the last one (key NULL), if it has
 * one; a key that is nowhere has none. */
struct settings_range {
	const char *key;
	long min, max;
};
int settings_in_range(cfg_t *cfg, cfg_opt_t *opt, const struct settings_range *ranges, size_t n);
int settings_check_mru(cfg_t *cfg, cfg_opt_t *opt);      /* 576..1500 */
int settings_check_dev(cfg_t *cfg, cfg_opt_t *opt);      /* 1..15 characters */
int settings_check_datapath(cfg_t *cfg, cfg_opt_t *opt); /* raw, packet, xdp */
int settings_check_log_level(cfg_t *cfg, cfg_opt_t *opt);
int settings_check_log_format(cfg_t *cfg, cfg_opt_t *opt);

int settings_check_auth(cfg_t *cfg, cfg_opt_t *opt);
struct settings_tls;
/* The list of the key "auth", and whether it goes with the encryption policy. Where it is not given,
 * EAP-TLS and PEAP are the first of the defaults, each if all is there for it. -EINVAL with *why. */
int settings_auth(cfg_t *cfg, const struct ppp_mppe_config *mppe, const struct settings_tls *tls,
	struct ppp_auth_list *list, char *why);

/* Is there anything but a certificate that the peer could ask for by this list? */
bool settings_auth_wants_password(const struct ppp_auth_list *list);
/* A client has a certificate, and neither "auth" nor a password (`password_file`: NULL or "" none) is given: then it
 * stands alone, and the list is it. */
bool settings_auth_by_certificate(cfg_t *cfg, const struct settings_tls *tls,
	const char *password_file, struct ppp_auth_list *list);

int settings_check_compression(cfg_t *cfg, cfg_opt_t *opt);
/* The list of the key "compression", each method once. */
void settings_compression(cfg_t *cfg, struct ppp_compress_list *list);

/* Applies the values of keys "log-level" and "log-format", and of "core-files". */
void settings_log(cfg_t *cfg);

/* Reads a password: first line of `path` (warns if others may read the file), or $GREYLINE_PASSWORD
 * if path is NULL or empty, which is taken out of the environment; the caller frees (and wipes).
 * NULL with *why. */
char *settings_password(const char *path, char *why);
/* The same, of one to log on with: 1 to 256 characters of UTF-8. `hash`: its NT hash, for the caller to wipe. */
char *settings_logon_password(const char *path, uint8_t hash[16], char *why);

/* A number of a command's option, from `min` to `max`; -1 with *why. */
int settings_number(const char *option, const char *text, unsigned int min, unsigned int max,
	unsigned int *out, char *why);
