/* What the CPU has that lib/mppe/cipher.h asks for. */
#pragma once

/* CIPHER_ bits; 0 on other machines than x86-64. The same at each call. */
unsigned int cpu_features(void);
