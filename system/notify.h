/* systemd's readiness protocol: a datagram to $NOTIFY_SOCKET; nothing happens where that is not
 * set. */
#pragma once

void notify_ready(void);
void notify_stopping(void);
void notify_status(const char *format, ...) __attribute__((format(printf, 1, 2)));
