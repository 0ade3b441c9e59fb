/* `greyline doctor SERVER`: says why a PPTP connection does not work. */
#pragma once

/* The whole command; returns its exit status (greyline(1)). */
int doctor_main(int argc, char **argv);
