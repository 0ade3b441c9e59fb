/* What the data plane knows of TCP's and UDP's headers (RFC 9293 section 3.1, RFC 768). */
#pragma once

#define PROTOCOL_TCP 6
#define PROTOCOL_UDP 17

#define TCP_HEADER     20u /* without options */
#define TCP_HEADER_MAX 60u
#define UDP_HEADER     8u

#define TCP_FIN 0x01u
#define TCP_SYN 0x02u
#define TCP_RST 0x04u
#define TCP_PSH 0x08u
#define TCP_ACK 0x10u
#define TCP_URG 0x20u
#define TCP_ECE 0x40u
#define TCP_CWR 0x80u

#define TCP_AT_SEQUENCE 4
#define TCP_AT_OFFSET   12 /* of the data, in the upper four bits: words */
#define TCP_AT_FLAGS    13
#define TCP_AT_CHECKSUM 16
#define TCP_AT_URGENT   18
#define UDP_AT_LENGTH   4
#define UDP_AT_CHECKSUM 6
